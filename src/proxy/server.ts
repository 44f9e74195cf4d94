import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '../config/scalars.ts';
import type { Limits } from '../config/schema.ts';
import { problemBytes, type ErrorCode } from './errors.ts';
import type { Handler } from './handle.ts';
import { closeLingering } from './lingering-close.ts';
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
  listen(address: Address): Promise<AddressInfo>;
  /** In the place of `listen`: opens for connections that another process has accepted, which come by `take`. */
  standBy(): void;
  take(socket: Socket): void;
  /** Clients' connections that are open. */
  connections(): number;
  /** Goes on, but tells each client with its next answer that the connection ends there, so that it asks elsewhere. */
  sendAway(): void;
  /** Takes no more connections, ends tunnels with a word to their clients, lets requests end, and cuts what is left after `drain` milliseconds. */
  close(drain: number): Promise<void>;
};

/**
 * The front door: HTTP/1.1 as Node parses it, strictly, with the limits that Node leaves open. `onRefused` is told of what was
 * turned away before it was a request.
 */
export function createProxyServer(first: Serving, onRefused: (code: ErrorCode) => void): ProxyServer {
  let { limits, isTrusted, handler } = first;
  const clients = new WeakMap<Socket, Client>();
  const sockets = new Set<Socket>();
  /** Connections over the limit, while they read why. */
  const refused = new Set<Socket>();
  let open = false;
  let leaving = false;
  const clientOf = (socket: Socket) => {
    let client = clients.get(socket);
    if (client === undefined) {
      client = describeClient(socket, isTrusted);
      client.closing = leaving;
      clients.set(socket, client);
    }
    return client;
  };

  const options: http.ServerOptions & { shouldUpgradeCallback: typeof isWebSocket } = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    // Long uploads are not slow clients.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, Math.max(100, limits.headTimeout / 4)),
    // Ours to answer, as problem+json.
    requireHostHeader: false,
    insecureHTTPParser: false,
    // Asked by newer Nodes alone.
    shouldUpgradeCallback: isWebSocket,
  };
  const server = http.createServer(options);
  // Node drops headers past its limit in silence; the handler counts and refuses.
  server.maxHeadersCount = 0;

  server.on('connection', (socket) => {
    if (sockets.has(socket)) return;
    if (sockets.size >= limits.connections) {
      socket.on('error', () => socket.destroy());
      if (refused.size >= mostRefused) return drop(socket, 'too_many_connections');
      refused.add(socket);
      socket.once('close', () => refused.delete(socket));
      return refuse(socket, clientOf(socket), 'too_many_connections');
    }
    sockets.add(socket);
    // Each pipelined request listens for the end; they are bounded by what Node reads ahead.
    socket.setMaxListeners(0);
    // Node lets go of a socket at an upgrade: without a listener a reset would end the process.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    clientOf(socket);
  });
  const serve = (req: IncomingMessage, res: http.ServerResponse) => {
    const client = clientOf(req.socket);
    // Nothing behind the last answer is served.
    if (client.last) return void req.resume();
    void handler(req, res, client);
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
    void handler(req, responseFor(req, socket, head), client, true);
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

  return {
    serve(next) {
      ({ limits, isTrusted, handler } = next);
      // Node reads it for each connection; its types know it as an option alone.
      Object.assign(server, { maxHeaderSize: limits.headerBytes });
      server.headersTimeout = limits.headTimeout;
      server.keepAliveTimeout = limits.keepAliveTimeout;
      for (const socket of sockets) judgeAnew(clientOf(socket), isTrusted);
    },
    connections: () => sockets.size,
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          open = true;
          resolve(server.address() as AddressInfo);
        });
      }),
    standBy() {
      open = true;
      // What Node does when a server listens: it begins to look for heads that are late.
      server.emit('listening');
    },
    take(socket) {
      // As a server's own are: a client that has said all it has to say still wants its answer.
      socket.allowHalfOpen = true;
      server.emit('connection', socket);
    },
    sendAway() {
      leaving = true;
      for (const socket of sockets) clientOf(socket).closing = true;
    },
    async close(drain) {
      leaving = true;
      if (!open) return;
      open = false;
      const closed = new Promise((resolve) => server.close(resolve));
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
          if (late || (quiet && client.busy === 0)) socket.destroy();
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
