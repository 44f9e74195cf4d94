import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import proxyAddr from 'proxy-addr';

/** The client's end of a connection: read once, since the address is gone after a reset. */
export type Client = {
  address: string | undefined;
  trusted: boolean;
  secure: boolean;
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
};

/** Tells trusted proxies from others. Takes addresses, CIDRs, `loopback` and `private`. */
export function createTrust(trusted: readonly string[]): (address: string) => boolean {
  if (trusted.length === 0) return () => false;
  const names = trusted.map((entry) => (entry === 'private' ? 'uniquelocal' : entry));
  const isTrusted = proxyAddr.compile(names);
  return (address) => isTrusted(address, 0);
}

export function describeClient(socket: Socket, isTrusted: (address: string) => boolean): Client {
  const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
  const client = {
    address,
    trusted: false,
    secure: socket instanceof TLSSocket,
    busy: 0,
    waiting: [],
    closing: false,
    sayGoingAway: undefined,
    last: false,
    bytesRead: 0,
    bytesWritten: 0,
  };
  judgeAnew(client, isTrusted);
  return client;
}

/** Whom to trust has changed. */
export function judgeAnew(client: Client, isTrusted: (address: string) => boolean): void {
  client.trusted = client.address !== undefined && isTrusted(client.address);
}
