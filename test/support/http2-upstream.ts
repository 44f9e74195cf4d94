import { once } from 'node:events';
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';
import { flags, frame, preface, settings, types } from './frames.ts';

type T = Pick<Test, 'teardown'>;

/** A request as an HTTP/2 upstream saw it. */
export type SeenStream = {
  raw: string[];
  headers: http2.IncomingHttpHeaders;
  stream: ServerHttp2Stream;
  body: string;
  /** Names and values, once they came. */
  trailers: string[];
  /** The code its stream was closed with, once it was. */
  code: number | undefined;
};

export type Http2Upstream = {
  url: string;
  port: number;
  seen: SeenStream[];
  sessions: Set<ServerHttp2Session>;
  /** Sessions that were ever begun. */
  connections: () => number;
  server: http2.Http2Server;
};

/** A real HTTP/2 server, spoken to with prior knowledge or, given a certificate, over TLS. */
export async function startHttp2Upstream(
  t: T,
  handler: (stream: ServerHttp2Stream, one: SeenStream) => void,
  options: http2.SecureServerOptions = {},
): Promise<Http2Upstream> {
  const seen: SeenStream[] = [];
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;
  const secure = options.cert !== undefined;
  const server = secure ? http2.createSecureServer(options) : http2.createServer(options);
  server.on('session', (session: ServerHttp2Session) => {
    connections += 1;
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders, _flags: number, raw: string[]) => {
      const one: SeenStream = { raw, headers, stream, body: '', trailers: [], code: undefined };
      seen.push(one);
      stream.on('error', () => {});
      stream.on('close', () => (one.code = stream.rstCode));
      stream.on('trailers', (...told: unknown[]) => (one.trailers = told[2] as string[]));
      if (headers['x-read-body'] !== 'no')
        stream.on('data', (chunk: Buffer) => (one.body += chunk.toString('latin1')));
      handler(stream, one);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  return { url, port, seen, sessions, connections: () => connections, server };
}

/** What a server of frames is told: a frame that came, and how to send. */
export type Talk = (
  frame: { type: number; flags: number; stream: number; payload: Buffer },
  send: (...bytes: Buffer[]) => boolean,
  socket: Socket,
) => void;

/** A server whose every frame is the test's: only settings are sent at the beginning, and acknowledged. */
export async function startFrameUpstream(t: T, talk: Talk, own: Readonly<Record<number, number>> = {}) {
  const sockets = new Set<Socket>();
  const frames: Parameters<Talk>[0][] = [];
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let pending = Buffer.alloc(0);
    let begun = false;
    const send = (...bytes: Buffer[]) => socket.write(Buffer.concat(bytes));
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      if (!begun && pending.length < preface.length) return;
      if (!begun) pending = pending.subarray(preface.length);
      begun = true;
      while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
        const end = 9 + pending.readUIntBE(0, 3);
        const [type = 0, flag = 0] = pending.subarray(3, 5);
        const one = {
          type,
          flags: flag,
          stream: pending.readUInt32BE(5) & 0x7fffffff,
          payload: Buffer.from(pending.subarray(9, end)),
        };
        pending = pending.subarray(end);
        if (type === types.settings && (flag & flags.ack) === 0) send(frame(types.settings, flags.ack, 0));
        frames.push(one);
        talk(one, send, socket);
      }
    });
    send(settings(own));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, frames, sockets, connections: () => connections };
}

/** GOAWAY (RFC 9113 §6.8). */
export function goAway(lastStream: number, code = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStream);
  payload.writeUInt32BE(code, 4);
  return frame(types.goAway, 0, 0, payload);
}
