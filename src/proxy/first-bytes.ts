import type { Socket } from 'node:net';
import { ProxyError } from './errors.ts';

/**
 * Reads what a connection begins with: gets all that has come so far, and whether its client has ended there. Undefined when
 * it takes more to know; else what was found, and how many bytes that used up. Throws when it can come to nothing. It has to
 * know within some kilobytes.
 */
export type Judge<T> = (bytes: Buffer, ended: boolean) => Judgement<T> | undefined;

export type Judgement<T> = { found: T; used: number };

/**
 * Has the first bytes of an accepted connection judged, `within` milliseconds. Those that are not used up are put back, also
 * when it fails: a server gets the connection as if nobody had looked. From then on it is the caller who listens for errors.
 *
 * Rejects with what the judge throws, or with a `ProxyError`: `head_timeout`, or `client_closed` when the client is gone, or
 * has ended without saying enough.
 */
export function firstBytes<T>(socket: Socket, judge: Judge<T>, within: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (tell: () => void) => {
      clearTimeout(timer);
      socket.off('readable', look).off('end', gone).off('error', gone).off('close', gone);
      tell();
    };
    const fail = (error: unknown) => settle(() => reject(error));
    const gone = () => fail(new ProxyError('client_closed'));
    const timer = setTimeout(() => fail(new ProxyError('head_timeout')), within);
    let seen = 0;

    function look(): void {
      const held = socket.readableLength;
      // A stream that is asked for more than it has gives nothing, or all of it when it has ended.
      const last: Buffer | null = socket.read(held + 1);
      // What is put back is announced like news.
      const bytes: Buffer | null = last ?? (held === seen ? null : socket.read(held));
      if (bytes === null) return;
      seen = bytes.length;
      let unused = bytes;
      try {
        const judgement = judge(bytes, last !== null);
        if (judgement !== undefined) unused = bytes.subarray(judgement.used);
        if (last !== null && (judgement === undefined || unused.length === 0)) gone();
        else if (judgement !== undefined) settle(() => resolve(judgement.found));
      } catch (error) {
        fail(error);
      }
      if (unused.length > 0) socket.unshift(unused);
    }

    if (socket.destroyed || socket.readableEnded) gone();
    else socket.on('readable', look).on('end', gone).on('error', gone).on('close', gone);
  });
}
