import type { Socket } from 'node:net';
import { firstBytes } from './first-bytes.ts';

/** What every client of HTTP/2 says first (RFC 9113 §3.4). No request of HTTP/1.1 begins so. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * Whether a client without TLS speaks HTTP/2. Its bytes stay in the connection. Known at the first byte that differs; rejects
 * as `firstBytes` does when none has come `within` milliseconds.
 */
export const isHttp2 = (socket: Socket, within: number): Promise<boolean> =>
  firstBytes(
    socket,
    (bytes, ended) => {
      const length = Math.min(bytes.length, preface.length);
      const alike = preface.compare(bytes, 0, length, 0, length) === 0;
      // A client that ends in the midst of it is HTTP/1.1's to answer.
      return alike && length < preface.length && !ended ? undefined : { found: alike && !ended, used: 0 };
    },
    within,
  );
