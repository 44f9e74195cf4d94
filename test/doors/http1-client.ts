import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { until } from '../support/client.ts';
import type { Field } from '../support/frames.ts';
import type { Answered, Ask, Asking, Connection, Head } from './door.ts';

/** Node's own HTTP/1.1 client, on one connection. */
export function openHttp1(socket: Socket): Connection {
  let ended = false;
  socket.on('error', () => {});
  for (const event of ['end', 'close']) socket.on(event, () => (ended = true));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let fresh = true;
  agent.createConnection = () => {
    if (!fresh) throw new Error('the connection has ended');
    fresh = false;
    return socket;
  };
  return {
    ask: (ask = {}) => askHttp1(agent, socket, ask),
    ended: async () => void (await until(() => ended, 'the proxy ends the connection')),
    destroy: () => socket.destroy(),
  };
}

function askHttp1(agent: http.Agent, socket: Socket, ask: Ask): Asking {
  const { method = 'GET', path = '/', host = 'client.example', fields = [], body, webSocket = false } = ask;
  const list = [['Host', host] as const, ...fields];
  const has = (name: string) => list.some(([one]) => one.toLowerCase() === name);
  if (body !== undefined && !has('content-length') && !has('transfer-encoding'))
    list.push(['Transfer-Encoding', 'chunked']);
  if (webSocket) list.push(...webSocketFields);
  // A list goes out as it is.
  const req = http.request({ agent, method, path, headers: list as unknown as http.OutgoingHttpHeaders });

  const informational: Head[] = [];
  let head: Head | undefined;
  let res: IncomingMessage | undefined;
  let tunnel: Socket | undefined;
  let text = '';
  let over = false;
  let clean = false;
  let stopped = false;
  const take = (stream: IncomingMessage | Socket) => {
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    stream.on('error', () => {});
    if (stopped) stream.pause();
  };
  req.on('error', () => (over = true));
  req.on('close', () => (over ||= tunnel === undefined));
  req.on('information', (one) => informational.push(headOf(one)));
  req.on('response', (message) => {
    res = message;
    head = headOf(message);
    take(message);
    message.on('close', () => {
      clean = message.complete && !message.errored;
      over = true;
    });
  });
  req.on('upgrade', (message, upgraded: Socket, early: Buffer) => {
    head = headOf(message);
    tunnel = upgraded;
    text += early.toString('latin1');
    take(upgraded);
    upgraded.on('end', () => (clean = true));
    for (const event of ['end', 'close']) upgraded.on(event, () => (over = true));
    upgraded.resume();
  });
  if (body === undefined && !webSocket) req.end();
  else if (body === undefined || body === 'later') req.flushHeaders();
  else req.end(body, 'latin1');

  const to: Writable = webSocket ? socket : req;
  const send = (bytes: string) => void to.write(bytes, 'latin1');
  const asking: Asking = {
    informational,
    send,
    end(trailers) {
      if (webSocket) return void socket.end();
      if (trailers !== undefined) req.addTrailers(trailers as unknown as readonly [string, string][]);
      req.end();
    },
    isOpen: () => tunnel !== undefined,
    async head() {
      await until(() => head !== undefined || over, 'an answer');
      if (head === undefined) throw new Error('the connection ended without an answer');
      return head;
    },
    body: () => text,
    gets: async (wanted) =>
      void (await until(() => text.includes(wanted), `${wanted}; came: ${text.slice(-500)}`, 2000)),
    async done(): Promise<Answered> {
      await until(() => over, 'the end of the answer');
      const trailers = pairs(res?.rawTrailers ?? []);
      return { ...(head ?? { status: 0, fields: [] }), informational, body: text, trailers, clean };
    },
    leave: () => void (socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy()),
    pause() {
      stopped = true;
      (tunnel ?? res)?.pause();
      if (head === undefined) socket.pause();
    },
    resume() {
      stopped = false;
      (tunnel ?? res ?? socket).resume();
    },
    unsent: () => req.writableLength + socket.writableLength,
  };
  return asking;
}

const headOf = (message: Pick<IncomingMessage, 'statusCode' | 'rawHeaders'>): Head => ({
  status: message.statusCode ?? 0,
  fields: pairs(message.rawHeaders),
});

const webSocketFields: readonly Field[] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
];

const pairs = (list: readonly string[]): Field[] =>
  list.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), list[i + 1] ?? ''] as const] : []));
