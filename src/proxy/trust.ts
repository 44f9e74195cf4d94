import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import proxyAddr from 'proxy-addr';
import { nobodyYet, type Recent } from '../identity/identify.ts';
import { cut } from '../upstream/cut.ts';

/**
 * The client's end of a connection: read once, since the address is gone after a reset. The streams of a connection of HTTP/2
 * have one each, which is told of nothing that comes before or after.
 */
export type Client = {
  address: string | undefined;
  trusted: boolean;
  /** Whether a proxy is all that is known of it: what it says is not the proxy's word. */
  nameless: boolean;
  /** Whether it speaks TLS. */
  secure: boolean;
  /** The version of HTTP it speaks. */
  major: 1 | 2;
  /** Requests under way, a tunnel included. */
  busy: number;
  /** When its last request ended, on the clock of `performance.now()`; Infinity before the first. */
  idleSince: number;
  /** Pipelined requests that wait for the one before them. */
  waiting: (() => void)[];
  /** Whether this connection is to end with its request. */
  closing: boolean;
  /** Has the tunnel that this connection is end by a word of ours; undefined where it is none. */
  sayGoingAway: (() => void) | undefined;
  /** Whether its last answer is written or under way. */
  last: boolean;
  /** Whether it has yet to take of what was written for it, although nothing is under way any more. */
  owed: () => boolean;
  /** Bytes of this connection that are accounted to earlier requests. */
  bytesRead: number;
  bytesWritten: number;
  /** Who asked last. */
  recent: Recent;
  /** Ends the connection by a reset. */
  reset: () => void;
};

/** Tells trusted proxies from others. Takes addresses, CIDRs, `loopback`, `linklocal` and `private`. */
export function createTrust(trusted: readonly string[]): (address: string) => boolean {
  if (trusted.length === 0) return () => false;
  const names = trusted.flatMap(spelling);
  const isTrusted = proxyAddr.compile(names);
  return (address) => isTrusted(address, 0);
}

/** As the library has it: it takes no range of everything, and IPv6 in hexadecimal alone. */
function spelling(entry: string): string | string[] {
  if (entry === 'private') return 'uniquelocal';
  const ipv6 = entry.includes(':');
  if (entry.endsWith('/0')) return ipv6 ? ['::/1', '8000::/1'] : ['0.0.0.0/1', '128.0.0.0/1'];
  return ipv6
    ? entry.replace(/^[^/]+/, (address) => new URL(`http://[${address}]`).hostname.slice(1, -1))
    : entry;
}

export function describeClient(socket: Socket, isTrusted: (address: string) => boolean): Client {
  const client: Client = {
    address: socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, ''),
    trusted: false,
    nameless: false,
    secure: false,
    major: 1,
    owed: () => false,
    recent: nobodyYet(),
    ...fresh(),
    // What TLS lies on can be reset, and TLS itself cannot.
    reset: () => cut(socket),
  };
  judgeAnew(client, isTrusted);
  return client;
}

/** A stream's own. */
export const laneOf = (client: Client): Client => ({ ...client, ...fresh() });

const fresh = () => ({
  busy: 0,
  idleSince: Infinity,
  waiting: [],
  closing: false,
  sayGoingAway: undefined,
  last: false,
  bytesRead: 0,
  bytesWritten: 0,
});

/** Whether a request comes from somebody who speaks TLS. A trusted proxy is between us and its client, and knows better. */
export function isSecure({ trusted, secure }: Client, headers: IncomingHttpHeaders): boolean {
  const said = trusted ? headers['x-forwarded-proto'] : undefined;
  // The first of several is the client's own.
  return typeof said === 'string' ? /^\s*(https|wss)\s*(,|$)/i.test(said) : secure;
}

/** Whom to trust has changed. */
export function judgeAnew(client: Client, isTrusted: (address: string) => boolean): void {
  client.trusted = !client.nameless && client.address !== undefined && isTrusted(client.address);
}
