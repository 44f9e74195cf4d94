import { constants } from 'node:crypto';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.ts';

/** Why a client and the proxy did not come together, named for the metric. */
export type HandshakeFailure =
  | 'tls_handshake_timeout'
  | 'tls_not_spoken'
  | 'tls_version'
  | 'tls_protocol'
  | 'tls_client_certificate'
  | 'tls_client_refused'
  | 'tls_handshake_failed';

export type TlsDoorOptions = {
  /** Whether HTTP/2 is offered, beside HTTP/1.1. */
  http2: boolean;
  /** Milliseconds that a client has for its part of the handshake. */
  handshakeTimeout: number;
  /** Told of each handshake that failed, but for clients that left; `detail` is what Node or OpenSSL calls it. The connection is ended. */
  onFailed: (failure: HandshakeFailure, detail: string) => void;
};

/** TLS for connections that somebody else has accepted. */
export type TlsDoor = {
  /** Takes a connection of which nothing was read, or all put back by `unshift`. */
  take: (raw: net.Socket) => void;
  /** Ends what is in a handshake. */
  close(): void;
};

/**
 * Leads connections through the handshake. `taken` is given each that stands: by `alpnProtocol` it speaks `h2`; `http/1.1` and
 * false, when the client has named nothing, are HTTP/1.1. A client that speaks neither is refused.
 */
export function createTlsDoor(
  certificates: Certificates,
  { http2, handshakeTimeout, onFailed }: TlsDoorOptions,
  taken: (socket: TLSSocket, raw: net.Socket) => void,
): TlsDoor {
  /** Those that are not through yet. */
  const waiting = new Set<net.Socket>();
  const server = tls.createServer({
    ...contextOptions(certificates),
    SNICallback: (name, done) => done(null, certificates.contextFor(name)),
    ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    requestCert: certificates.mutual,
    rejectUnauthorized: certificates.mutual,
    handshakeTimeout,
  });
  certificates.onRenewed(() => server.setSecureContext(contextOptions(certificates)));

  server.on('secureConnection', (socket) => {
    const raw = below(socket);
    waiting.delete(raw);
    // As a server's own are: a client that has said all it has to say still wants its answer.
    raw.allowHalfOpen = socket.allowHalfOpen = true;
    taken(socket, raw);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const { authorizationError } = socket;
    const detail = authorizationError ? String(authorizationError) : (error.code ?? error.message);
    const failure = authorizationError ? 'tls_client_certificate' : failureOf(detail);
    socket.destroy();
    if (failure !== undefined) onFailed(failure, detail);
  });

  return {
    take(raw) {
      waiting.add(raw);
      raw.once('close', () => waiting.delete(raw));
      // TLS ends with what is below it, and has no ear for its errors.
      raw.on('error', () => raw.destroy());
      // Who ends in the midst of a handshake has left.
      raw.allowHalfOpen = false;
      server.emit('connection', raw);
    },
    close() {
      for (const raw of waiting) raw.destroy();
    },
  };
}

/** A client cannot have the handshake done over and over on one connection, which costs it much less than us. */
const contextOptions = (certificates: Certificates): tls.SecureContextOptions => ({
  ...certificates.options(),
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
});

/** The connection below, which Node keeps under a name of its own. */
function below(socket: TLSSocket): net.Socket {
  const raw = (socket as { _parent?: unknown })._parent;
  return raw instanceof net.Socket ? raw : socket;
}

/** Undefined when the client has left. */
function failureOf(code: string): HandshakeFailure | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') return undefined;
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'tls_handshake_timeout';
  if (/_ALERT_/.test(code)) return 'tls_client_refused';
  if (/NO_APPLICATION_PROTOCOL/.test(code)) return 'tls_protocol';
  if (/DID_NOT_RETURN_A_CERTIFICATE|CERTIFICATE_VERIFY_FAILED/.test(code)) return 'tls_client_certificate';
  if (/HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|PACKET_LENGTH/.test(code))
    return 'tls_not_spoken';
  if (/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_SHARED_VERSION/.test(code)) return 'tls_version';
  return 'tls_handshake_failed';
}
