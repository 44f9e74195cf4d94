import http2, { type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { until } from '../support/client.ts';
import type { Field } from '../support/frames.ts';
import type { Answered, Ask, Asking, Connection, Head } from './door.ts';

/** Node's own HTTP/2 client, on one connection. */
export function openHttp2(socket: Socket): Connection {
  const session = http2.connect('http://client.example', { createConnection: () => socket });
  session.on('error', () => {});
  return {
    ask: (ask = {}) => askHttp2(session, ask),
    ended: async () => void (await until(() => session.closed, 'the proxy ends the connection')),
    destroy: () => session.destroy(),
  };
}

function askHttp2(session: http2.ClientHttp2Session, ask: Ask): Asking {
  const { method = 'GET', path = '/', host = 'client.example', fields = [], body, webSocket = false } = ask;
  const pseudo = { ':method': method, ':scheme': 'http', ':authority': host, ':path': path };
  const connect = {
    ...pseudo,
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    'sec-websocket-version': '13',
  };
  const sent: OutgoingHttpHeaders = webSocket ? connect : { ...pseudo };
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const before = sent[key];
    sent[key] = before === undefined ? value : [before, value].flat().map(String);
  }
  const endStream = body === undefined && !webSocket;

  const informational: Head[] = [];
  let trailing: readonly Field[] = [];
  let trailers: Field[] = [];
  let head: Head | undefined;
  let text = '';
  let finished = false;
  let over = false;
  let stream: ClientHttp2Stream | undefined;
  /** Waits for the peer's settings: before them nobody knows whether there are WebSockets. */
  const waiting: ((stream: ClientHttp2Stream) => void)[] = [];
  const whenOpen = (use: (stream: ClientHttp2Stream) => void) =>
    stream === undefined ? void waiting.push(use) : use(stream);
  const begin = () => {
    try {
      stream = session.request(sent, { endStream, waitForTrailers: true });
    } catch (error) {
      over = true;
      throw error;
    }
    listen(stream);
    for (const use of waiting.splice(0)) use(stream);
  };
  const listen = (stream: ClientHttp2Stream) => {
    stream.on('error', () => {});
    stream.on('headers', (all, _flags, ...[raw]: [string[]?]) => informational.push(headOf(all, raw ?? [])));
    // A 100 has an event of its own as well, and comes by this one, too.
    stream.on('response', (all, _flags, ...[raw]: [string[]?]) => (head = headOf(all, raw ?? [])));
    stream.on('trailers', (_all, _flags, ...[raw]: [string[]?]) => (trailers = pairs(raw ?? [])));
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    // Node has a stream that is torn down end, too.
    stream.on('end', () => (finished = !stream.destroyed));
    stream.on('close', () => (over = true));
    stream.on('wantTrailers', () => {
      const given: OutgoingHttpHeaders = {};
      for (const [name, value] of trailing)
        given[name] = given[name] === undefined ? value : [given[name], value].flat().map(String);
      stream.sendTrailers(given);
    });
    if (body !== undefined && body !== 'later') stream.end(body, 'latin1');
  };
  if (webSocket && !session.remoteSettings.enableConnectProtocol) session.once('remoteSettings', begin);
  else begin();

  return {
    informational,
    send: (bytes) => whenOpen((stream) => void stream.write(bytes, 'latin1')),
    end: (given) =>
      whenOpen((stream) => {
        trailing = given ?? [];
        stream.end();
      }),
    isOpen: () => webSocket && head?.status === 200,
    async head() {
      await until(() => head !== undefined || over, 'an answer');
      if (head === undefined) throw new Error(`the stream ended without an answer: ${stream?.rstCode}`);
      return head;
    },
    body: () => text,
    gets: async (wanted) =>
      void (await until(() => text.includes(wanted), `${wanted}; came: ${text.slice(-500)}`, 2000)),
    async done(): Promise<Answered> {
      await until(() => over, 'the end of the answer');
      const clean = finished && (stream?.rstCode ?? 0) === 0;
      return { ...(head ?? { status: 0, fields: [] }), informational, body: text, trailers, clean };
    },
    leave: () => whenOpen((stream) => stream.close(http2.constants.NGHTTP2_CANCEL)),
    pause: () => whenOpen((stream) => stream.pause()),
    resume: () => whenOpen((stream) => stream.resume()),
    unsent: () => stream?.writableLength ?? 0,
  };
}

const headOf = (all: http2.IncomingHttpHeaders, raw: string[]): Head => ({
  status: Number(all[':status']),
  fields: pairs(raw).filter(([name]) => name !== ':status'),
});

const pairs = (list: readonly string[]): Field[] =>
  list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? ''] as const] : []));
