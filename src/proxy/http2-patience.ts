/** Requests that a client may cancel in a burst, and each second; each that is served allows one more. */
const cancelBurst = 200;
const cancelsPerSecond = 20;
/** Bytes a second that need be of no use, and the shares of what is of use that go with it: frames around data, updates of windows. */
const noisePerSecond = 64 * 1024;
const noiseOfRead = 10;
const noiseOfWritten = 0.02;
/** Noisy seconds in a row that are borne. */
const noisySeconds = 2;

/** Bytes of a connection since its start: what came and went, and what of that were heads and bodies of requests. */
export type Traffic = { read: number; written: number; useful: number };

export type Patience = {
  /** A request was cancelled before its answer; false when that is too often. */
  cancelled(): boolean;
  served(): void;
  /** A second has gone by; false when it was one noisy second too many. */
  second(traffic: Traffic): boolean;
};

/**
 * What one client of HTTP/2 may cost. Requests that are cancelled as soon as they are made (rapid reset, CVE-2023-44487) never
 * count as concurrent, and pings, settings, priorities, empty frames and the like (CVE-2019-9511 to -9518) are no requests at
 * all; each is cheap to send and takes work here, so that both are counted.
 */
export function createPatience(): Patience {
  let mayCancel = cancelBurst;
  let before: Traffic = { read: 0, written: 0, useful: 0 };
  let noisy = 0;
  return {
    cancelled: () => (mayCancel -= 1) >= 0,
    served() {
      if (mayCancel < cancelBurst) mayCancel += 1;
    },
    second(now) {
      mayCancel = Math.min(cancelBurst, mayCancel + cancelsPerSecond);
      const useful = Math.max(0, now.useful - before.useful);
      const noise = now.read - before.read - useful;
      const borne =
        noisePerSecond + noiseOfRead * useful + noiseOfWritten * Math.max(0, now.written - before.written);
      before = now;
      noisy = noise > borne ? noisy + 1 : 0;
      return noisy <= noisySeconds;
    },
  };
}
