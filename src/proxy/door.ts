import type { Socket } from 'node:net';
import type { Limits, ListenConfig } from '../config/schema.ts';
import type { Log } from '../telemetry/log.ts';
import { openCertificates, type Expiry } from './certificates.ts';
import { ProxyError, type ErrorCode } from './errors.ts';
import { isHttp2 } from './preface.ts';
import { readProxyHeader } from './proxy-protocol.ts';
import { createTlsDoor, type HandshakeFailure } from './tls-door.ts';
import { judgeAnew, type Client } from './trust.ts';

/** Takes a connection whose client is known, and speaks one version of HTTP on it. */
type Speak = (socket: Socket, client: Client) => void;

export type DoorParts = {
  limits: () => Limits;
  isTrusted: (address: string) => boolean;
  http1: Speak;
  /** Where HTTP/2 is spoken. */
  http2: Speak | undefined;
  /** Told of a connection that does not begin as it should; nothing has been answered. */
  onStranger: (socket: Socket, client: Client, code: ErrorCode) => void;
  /** Told of each handshake with a client that failed. */
  onHandshakeFailed: (failure: HandshakeFailure) => void;
  log: DoorLog;
};

export type DoorLog = Pick<Log, 'debug' | 'info' | 'warn' | 'error'>;

/** What stands before HTTP on a connection: who its client is, TLS, and which version is spoken. */
export type Door = {
  take: Speak;
  /** Of the certificates that clients are shown. */
  expiries(): Expiry[];
  close(): Promise<void>;
};

/** Throws a UserError for certificates that cannot be used. */
export async function openDoor(listen: ListenConfig, parts: DoorParts): Promise<Door> {
  const { http1, http2, limits, onStranger } = parts;
  const { headTimeout } = limits();
  const clients = new WeakMap<Socket, Client>();
  const certificates = listen.tls && (await openCertificates(listen.tls, parts.log));
  const secure =
    certificates &&
    createTlsDoor(
      certificates,
      {
        http2: http2 !== undefined,
        handshakeTimeout: headTimeout,
        onFailed(failure, detail) {
          parts.onHandshakeFailed(failure);
          parts.log.debug({ failure, detail }, 'a handshake with a client failed');
        },
      },
      (socket, raw) => {
        const client = clients.get(raw);
        if (client === undefined) return void raw.destroy();
        client.secure = true;
        if (socket.alpnProtocol === 'h2' && http2 !== undefined) http2(socket, client);
        else http1(socket, client);
      },
    );

  async function meet(raw: Socket, client: Client): Promise<void> {
    // Reset before its address could be read, as HAProxy's looks whether a port is open are: it is neither trusted nor a stranger.
    if (listen.proxyProtocol && client.address === undefined) return void raw.destroy();
    if (listen.proxyProtocol && client.trusted) {
      const { address, own } = await readProxyHeader(raw, limits().headTimeout);
      if (address !== undefined) client.address = address;
      client.nameless = address === undefined && !own;
      // What its own headers say is for whoever it is to be believed.
      judgeAnew(client, parts.isTrusted);
    }
    if (secure !== undefined) {
      clients.set(raw, client);
      secure.take(raw);
    } else if (http2 !== undefined && (await isHttp2(raw, limits().headTimeout))) http2(raw, client);
    else http1(raw, client);
  }

  // HTTP/1.1 alone has nothing to look at.
  const plain = secure === undefined && http2 === undefined && !listen.proxyProtocol;
  return {
    take: plain
      ? http1
      : (raw, client) =>
          void meet(raw, client).catch((error: unknown) => {
            const code = error instanceof ProxyError ? error.code : 'internal';
            onStranger(raw, client, code);
          }),
    expiries: () => certificates?.expiries() ?? [],
    async close() {
      secure?.close();
      await certificates?.close();
    },
  };
}
