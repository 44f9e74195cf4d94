import type { Socket } from 'node:net';
import { until } from './client.ts';

/**
 * HTTP/2 by the byte, for what no client library would send: frames (RFC 9113 §4) and field blocks of literals alone
 * (RFC 7541 §6.2.2), in latin1 and unchecked.
 */
export type Field = readonly [name: string, value: string];

export type Frame = { type: number; flags: number; stream: number; payload: Buffer };

export const types = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

/** Error codes (RFC 9113 §7). */
export const codes = { none: 0, protocol: 1, internal: 2, streamClosed: 5, cancel: 8, calm: 11 } as const;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

/** SETTINGS with these values by number (RFC 9113 §6.5.2). */
export function settings(values: Readonly<Record<number, number>> = {}): Buffer {
  const payload = Object.entries(values).map(([id, value]) => {
    const one = Buffer.alloc(6);
    one.writeUInt16BE(Number(id));
    one.writeUInt32BE(value, 2);
    return one;
  });
  return frame(types.settings, 0, 0, Buffer.concat(payload));
}

export const data = (stream: number, bytes: string, end = true): Buffer =>
  frame(types.data, end ? flags.endStream : 0, stream, bytes);

export function reset(stream: number, code: number = codes.cancel): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(types.rstStream, 0, stream, payload);
}

/** HEADERS, and CONTINUATION for what is over `piece` bytes. `end`: no body follows. */
export function headers(stream: number, fields: readonly Field[], end = true, piece = 16_384): Buffer {
  const block = Buffer.concat(fields.map(literal));
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += piece) {
    const last = at + piece >= block.length ? flags.endHeaders : 0;
    const first = at === 0 && end ? flags.endStream : 0;
    const type = at === 0 ? types.headers : types.continuation;
    frames.push(frame(type, last | first, stream, block.subarray(at, at + piece)));
  }
  return Buffer.concat(frames);
}

/** The HEADERS of a plain request; `end`: no body follows. */
export const requestFor = (stream: number, { method = 'GET', path = '/', end = true } = {}): Buffer =>
  headers(
    stream,
    [
      [':method', method],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', path],
    ],
    end,
  );

/** A field that enters no table, under a name that is spelled out. */
const literal = ([name, value]: Field): Buffer => Buffer.concat([Buffer.from([0]), text(name), text(value)]);

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** What has come of a stream: undefined codes and statuses are those that never came. */
export type Fate = { status: number | undefined; data: string; ended: boolean; reset: number | undefined };

export type FrameClient = {
  socket: Socket;
  /** Acknowledges nothing meanwhile: what is said in pieces must have nothing between them. */
  silent: boolean;
  /** Whatever came, but for acknowledgements and what is answered by one. */
  frames: Frame[];
  send: (...bytes: Buffer[]) => void;
  /** The code of GOAWAY, once it came; of a connection that ended without one: -1. */
  gone: () => number | undefined;
  fateOf: (stream: number) => Fate;
  /** Waits until a stream, or its connection, is over. */
  over: (stream: number, within?: number) => Promise<Fate>;
};

/** Speaks HTTP/2 on a connection: preface and settings go out at once, and what must be acknowledged is. */
export function speakFrames(socket: Socket, initial: Readonly<Record<number, number>> = {}): FrameClient {
  const frames: Frame[] = [];
  let pending = Buffer.alloc(0);
  let ended = false;
  socket.on('error', () => {});
  for (const event of ['end', 'close']) socket.on(event, () => (ended = true));
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
      const end = 9 + pending.readUIntBE(0, 3);
      const [type = 0, flag = 0] = pending.subarray(3, 5);
      const stream = pending.readUInt32BE(5) & 0x7fffffff;
      take({ type, flags: flag, stream, payload: pending.subarray(9, end) });
      pending = pending.subarray(end);
    }
  });
  const take = (one: Frame) => {
    const acknowledged = one.type === types.settings || one.type === types.ping;
    if (!acknowledged) return void frames.push(one);
    if ((one.flags & flags.ack) === 0 && !client.silent)
      socket.write(frame(one.type, flags.ack, 0, one.type === types.ping ? one.payload : ''));
  };
  const gone = () => {
    const one = frames.find(({ type }) => type === types.goAway);
    return one?.payload.readUInt32BE(4) ?? (ended ? -1 : undefined);
  };
  const fateOf = (stream: number): Fate => {
    const own = frames.filter((one) => one.stream === stream);
    const ofType = (type: number) => own.filter((one) => one.type === type);
    const heads = ofType(types.headers).map(({ payload }) => statusOf(payload));
    return {
      status: heads.find((status) => status !== undefined && status >= 200),
      data: Buffer.concat(ofType(types.data).map(({ payload }) => payload)).toString('latin1'),
      ended: own.some(({ type, flags: flag }) => type <= types.headers && (flag & flags.endStream) !== 0),
      reset: ofType(types.rstStream)[0]?.payload.readUInt32BE(),
    };
  };
  // Without a dynamic table each status can be read by itself.
  socket.write(Buffer.concat([preface, settings({ 1: 0, ...initial })]));
  const client: FrameClient = {
    socket,
    silent: false,
    frames,
    gone,
    fateOf,
    send: (...bytes) => void socket.write(Buffer.concat(bytes)),
    async over(stream, within = 2000) {
      const isOver = () => fateOf(stream).ended || fateOf(stream).reset !== undefined || gone() !== undefined;
      await until(isOver, `stream ${stream} is over`, within);
      return fateOf(stream);
    },
  };
  return client;
}

/** `:status` of a field block that begins with it, by its place in the static table, or spelled out; else undefined. */
function statusOf(block: Buffer): number | undefined {
  let at = 0;
  // A change of the table's size comes first.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1;
  const first = block[at] ?? 0;
  if (first >= 0x88 && first <= 0x8e) return [200, 204, 206, 304, 400, 404, 500][first - 0x88];
  const named = [0x08, 0x18, 0x48].includes(first);
  const length = block[at + 1] ?? 0;
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f));
  if (!named) return undefined;
  return Number((length & 0x80) === 0 ? value.toString('latin1') : digits(value));
}

/** Digits in Huffman's code (RFC 7541, appendix B): 0 to 2 take five bits, 3 to 9 six. */
function digits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let text = '';
  for (let at = 0; at + 5 <= bits.length;) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    const six = Number.parseInt(bits.slice(at, at + 6).padEnd(6, '1'), 2);
    if (five < 3) [text, at] = [`${text}${five}`, at + 5];
    else if (six >= 25 && six <= 31) [text, at] = [`${text}${six - 22}`, at + 6];
    else break;
  }
  return text;
}
