import { METHODS } from 'node:http';
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Limits } from '../config/schema.ts';
import { problem, type ErrorCode } from './errors.ts';
import type { Handler } from './handle.ts';
import { webSocket } from './http1-message.ts';
import { http1Words, type PseudoHeaders } from './http2-head.ts';
import { Http2Request, Http2Response, webSocketKey } from './http2-message.ts';
import { createPatience, type Patience } from './http2-patience.ts';
import { lingering } from './lingering-close.ts';
import { laneOf, type Client } from './trust.ts';

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

/** Requests under way on one connection. */
const mostStreams = 100;
/** Fields of a head, crumbs of cookies among them, that are read at all; the handler counts what they come to. */
const mostPairs = 4096;
/** Those that HTTP/1.1 is read with. What is spelled otherwise could be one of them, or CONNECT, to an upstream. */
const knownMethods: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== 'CONNECT'));
/** The highest id of a stream: a GOAWAY with it closes nothing, and tells of one that will (RFC 9113 §6.8). */
const anyStream = 2 ** 31 - 1;
/** Milliseconds between two looks at all connections. */
const sweepEvery = 1000;
/** Milliseconds that a client without a request has to answer a ping. */
const pingPatience = 3000;

export type Http2Parts = {
  limits: () => Limits;
  handler: () => Handler;
  onRefused: (code: ErrorCode) => void;
};

/** Speaks HTTP/2 on connections that begin with its preface. */
export type Http2Server = {
  take(socket: Socket, client: Client): void;
  /** Goes on, but tells clients to ask elsewhere. */
  sendAway(): void;
  /** Takes no more requests: connections end with those under way. */
  close(): void;
};

/** What Node tells of a stream that begins; its types leave the last out. */
type Began = [stream: ServerHttp2Stream, headers: PseudoHeaders, flags: number, raw: string[]];

type Connection = {
  session: ServerHttp2Session;
  socket: Socket;
  client: Client;
  /** What is under way, each on a lane of its own. */
  lanes: Map<Http2Response, Client>;
  patience: Patience;
  /** Bytes of requests that have ended. */
  useful: number;
  /** When its last request ended, on the clock of `performance.now()`; at first, when it began. */
  idleSince: number;
  /** Whether it has had a request. */
  asked: boolean;
  /** When it was pinged in this pause between requests; undefined before, Infinity once it has answered. */
  pingedAt: number | undefined;
};

export function createHttp2Server({ limits, handler, onRefused }: Http2Parts): Http2Server {
  const connections = new Set<Connection>();
  let sweeping: NodeJS.Timeout | undefined;
  let closing = false;

  function take(socket: Socket, client: Client): void {
    // A client that ends its side has left, whatever it waits for: nobody would hear of it before something is written.
    socket.allowHalfOpen = false;
    const session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: mostStreams,
        // More than is allowed is read, so that it can be answered; beyond this, the stream is reset.
        maxHeaderListSize: 2 * limits().headerBytes,
        enableConnectProtocol: true,
      },
      maxHeaderListPairs: mostPairs,
    });
    const connection: Connection = {
      session,
      socket,
      client,
      lanes: new Map(),
      patience: createPatience(),
      useful: 0,
      idleSince: performance.now(),
      asked: false,
      pingedAt: undefined,
    };
    connections.add(connection);
    client.major = 2;
    // Node closes a stream once its last frame is in the queue, and ends the connection of a session that is closed behind that.
    // A client that is still reading sends updates of its windows, and to a connection that is gone they would be answered by
    // a reset, which takes the answer with it.
    client.owed = () =>
      !socket.writableFinished || (connection.asked && performance.now() - connection.idleSince < lingering);
    client.sayGoingAway = () => {
      for (const lane of connection.lanes.values()) lane.sayGoingAway?.();
    };
    session.on('stream', (...[stream, headers, , raw]: Began) => {
      stream.on('error', () => {});
      // Reset in the packet that it began in, as floods do it.
      if (stream.destroyed || stream.closed) cancelled(connection);
      else serve(connection, stream, headers, raw);
    });
    session.on('error', () => session.destroy());
    session.once('close', () => connections.delete(connection));
    if (closing) session.close();
    else if (client.closing) session.goaway(NGHTTP2_NO_ERROR, anyStream);
    sweeping ??= setInterval(sweep, sweepEvery).unref();
  }

  function serve(
    connection: Connection,
    stream: ServerHttp2Stream,
    headers: PseudoHeaders,
    raw: string[],
  ): void {
    const { client, lanes, patience } = connection;
    const words = http1Words(raw, headers, stream.endAfterHeaders);
    const upgrading = words.method === 'CONNECT' && words.protocol === webSocket;
    const key = upgrading ? webSocketKey() : undefined;
    // As HTTP/1.1 asks for the same.
    if (key !== undefined) {
      words.method = 'GET';
      words.rawHeaders.push('Sec-WebSocket-Key', key);
    }
    const req = new Http2Request(stream, words, stream.endAfterHeaders);
    const res = new Http2Response(req, key);
    const lane = laneOf(client);
    lanes.set(res, lane);
    client.busy += 1;
    connection.asked = true;
    connection.pingedAt = undefined;
    stream.once('close', () => {
      lanes.delete(res);
      client.busy -= 1;
      connection.useful += req.socket.bytesRead;
      connection.idleSince = performance.now();
      if (res.writableFinished) patience.served();
      else if (res.cancelled) cancelled(connection);
    });
    if (words.size > limits().headerBytes) refuse(res, 'head_too_large');
    else if (!knownMethods.has(words.method)) refuse(res, 'method_unknown');
    // An absolute form would name a second authority (RFC 9113 §8.3.1).
    else if (!/^[/*]/.test(words.url)) refuse(res, 'bad_target');
    else handler()(req, res, lane, upgrading);
  }

  /** Answers what is not to be handled. */
  function refuse(res: Http2Response, code: ErrorCode): void {
    onRefused(code);
    const { status, headers, body } = problem(code, undefined);
    res.setHead(status, undefined, headers);
    res.end(body, 'utf8');
  }

  function cancelled(connection: Connection): void {
    if (!connection.patience.cancelled()) calm(connection);
  }

  function calm({ session }: Connection): void {
    if (session.destroyed) return;
    onRefused('too_demanding');
    session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM);
  }

  function sweep(): void {
    const now = performance.now();
    const { keepAliveTimeout, headTimeout, bodyIdleTimeout } = limits();
    for (const connection of connections) {
      const { session, socket, lanes, asked, idleSince, patience } = connection;
      let { useful } = connection;
      for (const res of lanes.keys()) {
        useful += res.req.socket.bytesRead;
        // Its upstream is done with it, and nobody else waits.
        if (now - res.endedAt > bodyIdleTimeout) res.destroy();
      }
      if (!patience.second({ read: socket.bytesRead, written: socket.bytesWritten, useful }))
        calm(connection);
      else if (lanes.size === 0 && now - idleSince > (asked ? keepAliveTimeout : headTimeout)) {
        // A second time it has not taken the goodbye.
        if (session.closed) session.destroy();
        else session.close();
      } else if (lanes.size === 0 && asked) lookAfter(connection, now);
    }
    if (connections.size > 0) return;
    clearInterval(sweeping);
    sweeping = undefined;
  }

  /**
   * When nghttp2 has had enough of a client by itself, Node 20 tells nobody, reads no more, and never hears that the client has
   * gone: such a connection, and one whose peer has vanished, answers no ping.
   */
  function lookAfter(connection: Connection, now: number): void {
    const { session, pingedAt } = connection;
    if (session.closed || session.destroyed) return;
    if (pingedAt === undefined) {
      connection.pingedAt = now;
      session.ping(() => (connection.pingedAt = Infinity));
    } else if (now - pingedAt > pingPatience) session.destroy();
  }

  return {
    take,
    sendAway() {
      for (const { session } of connections)
        if (!session.closed && !session.destroyed) session.goaway(NGHTTP2_NO_ERROR, anyStream);
    },
    close() {
      closing = true;
      for (const { session } of connections) if (!session.closed) session.close();
    },
  };
}
