import http from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Limits, ListenConfig } from '../config/schema.ts';
import { hasBody } from './body.ts';
import type { Expiry } from './certificates.ts';
import { openDoor, type Door, type DoorLog } from './door.ts';
import { problemBytes, type ErrorCode } from './errors.ts';
import type { Handler } from './handle.ts';
import { endsEmptyBodies, Http1Request, Http1Response } from './http1-message.ts';
import type { Http2Server } from './http2-server.ts';
import { createIdleClients } from './idle-clients.ts';
import { closeLingering } from './lingering-close.ts';
import type { HandshakeFailure } from './tls-door.ts';
import { describeClient, judgeAnew, type Client } from './trust.ts';
import { isWebSocket, responseFor, serveWithoutUpgrade } from './upgrade.ts';

/** Milliseconds that a stop leaves to a connection without a request. */
const lastCall = 250;

/** How many connections over the limit are told so at a time; those beyond are closed without a word. */
const mostRefused = 1000;

/** What the front door does with a request. */
export type Serving = {
  limits: Limits;
  isTrusted: (address: string) => boolean;
  handler: Handler;
};

export type ProxyServer = {
  /** Serves so from the next request on. Connections stay, and so do requests under way as they are. */
  serve(next: Serving): void;
  listen(how: ListenConfig): Promise<AddressInfo>;
  /** In the place of `listen`: opens for connections that another process has accepted, which come by `take`. */
  standBy(how: ListenConfig): Promise<void>;
  take(socket: Socket): void;
  /** Clients' connections that are open. */
  connections(): number;
  /** Of the certificates that clients are shown. */
  expiries(): Expiry[];
  /** Goes on, but tells each client with its next answer that the connection ends there, so that it asks elsewhere. */
  sendAway(): void;
  /** Takes no more connections, ends tunnels with a word to their clients, lets requests end, and cuts what is left after `drain` milliseconds. */
  close(drain: number): Promise<void>;
};

/**
 * The front door: connections, HTTP/1.1 as Node parses it, strictly, with the limits that Node leaves open, and HTTP/2.
 * `onRefused` is told of what was turned away before it was a request.
 */
type Options = http.ServerOptions<typeof Http1Request, typeof Http1Response> & {
  shouldUpgradeCallback: typeof isWebSocket;
  optimizeEmptyRequests: boolean;
};

export function createProxyServer(
  first: Serving,
  onRefused: (code: ErrorCode | HandshakeFailure) => void,
  log: DoorLog,
): ProxyServer {
  let { limits, isTrusted, handler } = first;
  const clients = new WeakMap<Socket, Client>();
  const watchIdle = createIdleClients(() => limits.keepAliveTimeout);
  /** Connections as they were accepted, below TLS. */
  const sockets = new Set<Socket>();
  /** Connections over the limit, while they read why. */
  const refused = new Set<Socket>();
  /** Whether clients speak without TLS. */
  let plain = true;
  let opened = false;
  let leaving = false;
  let door: Door | undefined;
  let http2: Http2Server | undefined;
  const clientOf = (socket: Socket) => {
    let client = clients.get(socket);
    if (client === undefined) {
      client = describeClient(socket, isTrusted);
      client.closing = leaving;
      clients.set(socket, client);
    }
    return client;
  };

  // As Node's own server has it: a client that has said all it has to say still wants its answer.
  const acceptor = createServer({ allowHalfOpen: true, noDelay: true }, accept);

  const options: Options = {
    IncomingMessage: Http1Request,
    ServerResponse: Http1Response,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headTimeout,
    // Node's way costs two timers a request.
    keepAliveTimeout: 0,
    // Long uploads are not slow clients.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, Math.max(100, limits.headTimeout / 4)),
    // Ours to answer, as problem+json.
    requireHostHeader: false,
    insecureHTTPParser: false,
    // These are for newer Nodes alone.
    shouldUpgradeCallback: isWebSocket,
    optimizeEmptyRequests: true,
  };
  const server = http.createServer<typeof Http1Request, typeof Http1Response>(options);
  // Node drops headers past its limit in silence; the handler counts and refuses.
  server.maxHeadersCount = 0;

  function accept(socket: Socket): void {
    if (sockets.size >= limits.connections) {
      socket.on('error', () => socket.destroy());
      // In TLS, or HTTP/2, this would be no answer.
      if (refused.size >= mostRefused || !plain) return drop(socket, 'too_many_connections');
      refused.add(socket);
      socket.once('close', () => refused.delete(socket));
      return refuse(socket, clientOf(socket), 'too_many_connections');
    }
    sockets.add(socket);
    // Node lets go of a socket at an upgrade: without a listener a reset would end the process.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    door?.take(socket, clientOf(socket));
  }

  function speakHttp1(socket: Socket, client: Client): void {
    clients.set(socket, client);
    // Each pipelined request listens for the end; they are bounded by what Node reads ahead.
    socket.setMaxListeners(0);
    socket.on('error', () => socket.destroy());
    watchIdle(socket, client);
    server.emit('connection', socket);
  }

  /** A connection does not begin as it should. */
  function turnAway(socket: Socket, client: Client, code: ErrorCode): void {
    if (socket.destroyed || code === 'client_closed') return void socket.destroy();
    if (plain && code === 'head_timeout') refuse(socket, client, code);
    else drop(socket, code);
  }

  async function open(how: ListenConfig): Promise<void> {
    plain = how.tls === undefined;
    if (how.http2) {
      // Node's HTTP/2 is loaded where it is spoken.
      const { createHttp2Server } = await import('./http2-server.ts');
      http2 = createHttp2Server({ limits: () => limits, handler: () => handler, onRefused });
    }
    const spoken = http2;
    door = await openDoor(how, {
      limits: () => limits,
      isTrusted: (address) => isTrusted(address),
      http1: speakHttp1,
      http2: spoken && ((socket, client) => spoken.take(socket, client)),
      onStranger: turnAway,
      onHandshakeFailed: onRefused,
      log,
    });
  }

  const serve = (req: Http1Request, res: Http1Response) => {
    const client = clientOf(req.socket);
    // Nothing behind the last answer is served.
    if (client.last) return void req.resume();
    if (!endsEmptyBodies && !hasBody(req)) req.endUnread();
    res.keepAliveTimeout = limits.keepAliveTimeout;
    handler(req, res, client);
  };
  server.on('request', serve);
  // Expectations are the upstream's to meet.
  server.on('checkContinue', serve);
  server.on('checkExpectation', serve);
  server.on('connect', (_req, socket: Socket) => {
    // Answers still owed on this connection come first, and ours would be taken for one.
    if (clientOf(socket).busy > 0) drop(socket, 'method_unknown');
    else refuse(socket, clientOf(socket), 'method_unknown');
  });
  server.on('upgrade', (req, socket: Socket, head) => {
    // Answers still owed on this connection would run into what follows.
    const client = clientOf(socket);
    if (client.last) return void socket.destroy();
    if (client.busy > 0) return drop(socket, 'bad_request');
    if (!isWebSocket(req)) return serveWithoutUpgrade(server, req, socket, head);
    handler(req, responseFor(req, socket, head), client, true);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // With an answer owed or begun on this connection, ours would be taken for it, or for its body.
    const client = clientOf(socket);
    if (client.last) return;
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    // It has left in the midst of a body.
    if (error.code === 'HPE_INVALID_EOF_STATE' && client.busy > 0) return void socket.destroy();
    const code = clientErrorCode(error.code);
    if (client.busy > 0) drop(socket, code);
    else refuse(socket, client, code);
  });

  /** Ends a connection that cannot be told why. */
  function drop(socket: Socket, code: ErrorCode): void {
    onRefused(code);
    socket.destroy();
  }

  /** Answers a connection that has no request to answer, and ends it. */
  function refuse(socket: Socket, client: Client, code: ErrorCode): void {
    onRefused(code);
    client.last = true;
    socket.write(problemBytes(code, undefined));
    closeLingering(socket);
  }

  /** What Node does when a server listens: it begins to look for heads that are late. */
  function begin(): void {
    opened = true;
    server.emit('listening');
  }

  return {
    serve(next) {
      ({ limits, isTrusted, handler } = next);
      // Node reads it for each connection; its types know it as an option alone.
      Object.assign(server, { maxHeaderSize: limits.headerBytes });
      server.headersTimeout = limits.headTimeout;
      for (const socket of sockets) judgeAnew(clientOf(socket), isTrusted);
    },
    connections: () => sockets.size,
    expiries: () => door?.expiries() ?? [],
    async listen(how) {
      await open(how);
      await new Promise<void>((resolve, reject) => {
        acceptor.once('error', reject);
        acceptor.listen(how.port, how.host, () => {
          acceptor.off('error', reject);
          resolve();
        });
      });
      begin();
      return acceptor.address() as AddressInfo;
    },
    async standBy(how) {
      await open(how);
      begin();
    },
    take(socket) {
      socket.allowHalfOpen = true;
      accept(socket);
    },
    sendAway() {
      leaving = true;
      for (const socket of sockets) clientOf(socket).closing = true;
      http2?.sendAway();
    },
    async close(drain) {
      leaving = true;
      if (!opened) return;
      opened = false;
      const closed = Promise.all([
        new Promise((resolve) => server.close(resolve)),
        new Promise((resolve) => acceptor.close(resolve)),
        door?.close(),
      ]);
      http2?.close();
      const begun = performance.now();
      const deadline = begun + drain;
      for (;;) {
        const now = performance.now();
        const late = now >= deadline;
        // What its client sent before it could know is on its way.
        const quiet = now >= begun + Math.min(lastCall, drain);
        // A request is accounted for when its connection has closed, which takes a turn of the event loop.
        const ends = late ? [...sockets].map(closeOf) : [];
        for (const socket of [...sockets, ...refused]) {
          const client = clientOf(socket);
          client.closing = true;
          client.sayGoingAway?.();
          // Node's own list of idle connections lacks those that have not asked anything yet.
          if (late || (quiet && client.busy === 0 && !client.owed())) socket.destroy();
        }
        if (sockets.size === 0 || late) return void (await Promise.all([closed, ...ends]));
        await delay(25);
      }
    },
  };
}

const closeOf = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

function clientErrorCode(code: string | undefined): ErrorCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'head_too_large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'head_timeout';
  return 'bad_request';
}
