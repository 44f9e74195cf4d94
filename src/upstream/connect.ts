import net, { type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';
import type { UpstreamTls } from '../config/tls-schema.ts';
import { openCredentials, type CredentialNews } from './credentials.ts';
import { createTickets } from './tickets.ts';

/** Takes every piece of bytes that arrives, lent for the call; false pauses the connection. */
export type OnBytes = (chunk: Buffer) => boolean;

/** How connections to one origin are made. */
export type Connector = {
  /** Opens a connection. Without `onBytes` it is a stream to be read like any other. */
  open(onBytes?: OnBytes): Socket;
  /** The event that tells that a connection stands. */
  standing: 'connect' | 'secureConnect';
  /** Connections stay, and can still be made; files are watched no more. */
  close(): void;
};

export type ConnectorOptions = {
  lookup: LookupFunction;
  /** What is offered over TLS by ALPN. */
  protocols: string[];
  tls?: Partial<UpstreamTls> | undefined;
  /** Told of the files that `tls` names. */
  news?: CredentialNews | undefined;
};

/**
 * What all connections are read into. Each read is handled to its end before the next begins, so one buffer does for
 * all, where a stream would allocate one for each read.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

const reading = (onBytes: OnBytes | undefined) =>
  onBytes && {
    onread: {
      buffer: readBuffer,
      callback: (length: number) => onBytes(readBuffer.subarray(0, length)),
    },
  };

/** How to connect to an origin: what a connection can share with the others is made here. Throws a `UserError` when a file is amiss. */
export function createConnector(origin: URL, how: ConnectorOptions): Connector {
  const { lookup, protocols, tls: { ca, cert, key, servername, verify = true } = {}, news } = how;
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const secure = origin.protocol === 'https:';
  const port = origin.port === '' ? (secure ? 443 : 80) : Number(origin.port);
  // A tunnel ends one way at a time.
  const options = { host, port, lookup, noDelay: true, keepAlive: true, allowHalfOpen: true };
  if (!secure)
    return {
      open: (onBytes) => net.connect({ ...options, ...reading(onBytes) }),
      standing: 'connect',
      close() {},
    };

  const name = (servername ?? host).replace(/\.$/, '');
  const tickets = createTickets();
  // What was agreed upon with other certificates is not to be resumed.
  const credentials = openCredentials(
    { ca, cert, key },
    {
      inForce(certificate, renewed) {
        if (renewed) tickets.clear();
        news?.inForce(certificate, renewed);
      },
      refused: (message) => news?.refused(message),
    },
  );
  const secureOptions = {
    ...options,
    // An address is no server name (RFC 6066 §3), and is what the certificate must bear all the same.
    servername: net.isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host: string, certificate: tls.PeerCertificate) =>
      tls.checkServerIdentity(name, certificate),
    rejectUnauthorized: verify,
    ALPNProtocols: protocols,
  };
  return {
    open(onBytes) {
      const session = tickets.take();
      const socket = tls.connect({
        ...secureOptions,
        secureContext: credentials.context(),
        ...(session !== undefined && { session }),
        ...reading(onBytes),
      });
      tickets.collect(socket);
      return socket;
    },
    standing: 'secureConnect',
    close: () => credentials.close(),
  };
}
