/**
 * Where frames end in one direction of a WebSocket (RFC 6455 §5.2): only there can a frame of ours be put in. Looks at the heads of
 * frames alone.
 */
export type Frames = {
  /** Follows what passes. Returns after how many of its bytes a frame of ours could go first; -1 when nowhere. */
  take(bytes: Uint8Array): number;
};

export function createFrames(): Frames {
  /** Bytes of a head that are still to come before anything is known, of a length, and of what the length counts. */
  let head = 2;
  let lengthBytes = 0;
  let length = 0;
  let key = 0;
  let left = 0;
  const atBorder = () => head === 2 && lengthBytes === 0 && left === 0;

  function takeHead(byte: number): void {
    if (head === 2) {
      head = 1;
      return;
    }
    if (head === 1) {
      head = 0;
      const size = byte & 0x7f;
      lengthBytes = size === 127 ? 8 : size === 126 ? 2 : 0;
      length = lengthBytes === 0 ? size : 0;
      // The key of a masked frame counts with what it masks.
      key = (byte & 0x80) === 0 ? 0 : 4;
    } else {
      length = length * 256 + byte;
      lengthBytes -= 1;
    }
    if (lengthBytes > 0) return;
    left = key + length;
    head = left > 0 ? 0 : 2;
  }

  return {
    take(bytes) {
      let first = atBorder() ? 0 : -1;
      let at = 0;
      while (at < bytes.length) {
        if (left > 0) {
          const step = Math.min(left, bytes.length - at);
          left -= step;
          at += step;
          if (left === 0) head = 2;
        } else {
          takeHead(bytes[at] as number);
          at += 1;
        }
        if (first < 0 && atBorder()) first = at;
      }
      return first;
    },
  };
}

/** Close, with 1001: the endpoint goes away (§7.4.1). As a server sends it, unmasked. */
export const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
