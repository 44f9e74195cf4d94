import type { Socket } from 'node:net';
import proxyAddr from 'proxy-addr';

/**
 * The client's end of a connection: read once, since the address is gone after a reset. The streams of a connection of HTTP/2
 * have one each, which is told of nothing that comes before or after.
 */
export type Client = {
  address: string | undefined;
  trusted: boolean;
  /** Whether it speaks TLS. */
  secure: boolean;
  /** The version of HTTP it speaks. */
  major: 1 | 2;
  /** Requests under way, a tunnel included. */
  busy: number;
  /** Pipelined requests that wait for the one before them. */
  waiting: (() => void)[];
  /** Whether this connection is to end with its request. */
  closing: boolean;
  /** Has the tunnel that this connection is end by a word of ours; undefined where it is none. */
  sayGoingAway: (() => void) | undefined;
  /** Whether its last answer is written or under way. */
  last: boolean;
  /** Bytes of this connection that are accounted to earlier requests. */
  bytesRead: number;
  bytesWritten: number;
  /** Ends the connection by a reset. */
  reset: () => void;
};

/** Tells trusted proxies from others. Takes addresses, CIDRs, `loopback` and `private`. */
export function createTrust(trusted: readonly string[]): (address: string) => boolean {
  if (trusted.length === 0) return () => false;
  const names = trusted.map((entry) => (entry === 'private' ? 'uniquelocal' : entry));
  const isTrusted = proxyAddr.compile(names);
  return (address) => isTrusted(address, 0);
}

export function describeClient(socket: Socket, isTrusted: (address: string) => boolean): Client {
  const client: Client = {
    address: socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, ''),
    trusted: false,
    secure: false,
    major: 1,
    ...fresh(),
    // What TLS lies on can be reset, and TLS itself cannot.
    reset: () => socket.resetAndDestroy(),
  };
  judgeAnew(client, isTrusted);
  return client;
}

/** A stream's own. */
export const laneOf = (client: Client): Client => ({ ...client, ...fresh() });

const fresh = () => ({
  busy: 0,
  waiting: [],
  closing: false,
  sayGoingAway: undefined,
  last: false,
  bytesRead: 0,
  bytesWritten: 0,
});

/** Whom to trust has changed. */
export function judgeAnew(client: Client, isTrusted: (address: string) => boolean): void {
  client.trusted = client.address !== undefined && isTrusted(client.address);
}
