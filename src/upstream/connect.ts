import net, { type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';

/** Opens a connection. Every piece of bytes that arrives goes to `onBytes`, lent for the call; false pauses it. */
export type Connect = (onBytes: (chunk: Buffer) => boolean) => Socket;

/**
 * What all connections are read into. Each read is handled to its end before the next begins, so one buffer does for
 * all, where a stream would allocate one for each read.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

const onread = (onBytes: (chunk: Buffer) => boolean) => ({
  buffer: readBuffer,
  callback: (length: number) => onBytes(readBuffer.subarray(0, length)),
});

/** The event that tells that a connection of this origin stands. */
export const standsAt = (origin: URL): 'connect' | 'secureConnect' =>
  origin.protocol === 'https:' ? 'secureConnect' : 'connect';

/** How to connect to an origin: what a connection can share with the others is made here. */
export function createConnect(origin: URL, lookup: LookupFunction): Connect {
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const secure = origin.protocol === 'https:';
  const port = origin.port === '' ? (secure ? 443 : 80) : Number(origin.port);
  // A tunnel ends one way at a time.
  const options = { host, port, lookup, noDelay: true, keepAlive: true, allowHalfOpen: true };
  if (!secure) return (onBytes) => net.connect({ ...options, onread: onread(onBytes) });

  const servername = net.isIP(host) === 0 ? host : '';
  let session: Buffer | undefined;
  return (onBytes) => {
    const resumed = session === undefined ? {} : { session };
    const tlsOptions = {
      ...options,
      ...resumed,
      servername,
      ALPNProtocols: ['http/1.1'],
      onread: onread(onBytes),
    };
    const socket = tls.connect(tlsOptions);
    socket.on('session', (fresh) => (session = fresh));
    return socket;
  };
}
