import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** One request as it came, with its body. */
export type Seen = { method: string; url: string; headers: http.IncomingHttpHeaders; body: string };

type Data = { flags: Record<string, unknown>; segments?: Record<string, unknown> };
type Options = { path?: string; tls?: { key: string; cert: string } };

/**
 * A server that speaks LaunchDarkly's wire protocol to a server-side SDK: `GET /all` is the stream, `POST /bulk`
 * and `POST /diagnostic` take events. What it misses or gets wrong is up to the test.
 */
export async function launchDarklyStub(data: Data, { path = '', tls }: Options = {}) {
  const streams = new Set<http.ServerResponse>();
  const sockets = new Set<Socket>();
  const requests: Seen[] = [];
  const behaviour = {
    /** Status of every answer. */
    status: 200,
    /** Milliseconds before an answer to `GET /all`; undefined: never. */
    delay: 0 as number | undefined,
    /** What a new stream is told first, as text, in place of the flags. */
    first: undefined as string | undefined,
    /** Whether posts of events are answered. */
    takesEvents: true,
  };
  let current = data;

  const answer: http.RequestListener = (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('error', () => {});
    req.on('end', () => {
      const { method = '', url = '', headers } = req;
      requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      if (method === 'GET' && behaviour.delay !== undefined) setTimeout(respond, behaviour.delay).unref();
      if (method === 'POST' && behaviour.takesEvents)
        res.writeHead(behaviour.status === 200 ? 202 : behaviour.status).end();
    });
    const respond = () => {
      if (behaviour.status !== 200 || new URL(req.url ?? '', 'http://stub').pathname !== `${path}/all`) {
        res.writeHead(behaviour.status === 200 ? 404 : behaviour.status).end();
        return;
      }
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      streams.add(res);
      res.on('close', () => streams.delete(res));
      res.write(
        behaviour.first === undefined
          ? message('put', { path: '/', data: { segments: {}, ...current } })
          : `event: put
data: ${behaviour.first}

`,
      );
    };
  };

  const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const bound = await listen(0);

  const send = (text: string) => {
    for (const stream of streams) stream.write(text);
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const down = async () => {
    if (!server.listening) return;
    server.close();
    cut();
    await once(server, 'close');
  };

  return {
    port: bound,
    url: new URL(`${tls ? 'https' : 'http'}://127.0.0.1:${bound}`),
    behaviour,
    requests,
    /** Streams that are open now. */
    streams: () => streams.size,
    /** Connections that are open now, and those taken so far. */
    connections: () => sockets.size,
    accepted: () => accepted,
    /** Every event that was posted, in order. */
    events: () =>
      requests
        .filter(({ url }) => url === `${path}/bulk`)
        .flatMap(({ body }) => JSON.parse(body) as Record<string, unknown>[]),
    put(next: Data) {
      current = next;
      send(message('put', { path: '/', data: { segments: {}, ...next } }));
    },
    patch: (key: string, flag: unknown) => send(message('patch', { path: `/flags/${key}`, data: flag })),
    remove: (key: string, version: number) => send(message('delete', { path: `/flags/${key}`, version })),
    /** An event whose data is this text, well-formed or not. */
    garble: (event: string, text: string) => send(`event: ${event}\ndata: ${text}\n\n`),
    /** What a new stream will be told first. */
    set: (next: Data) => {
      current = next;
    },
    /** Cuts every connection; new ones are taken. */
    cut,
    /** Cuts every connection and refuses new ones, until `up` listens on the same port again. */
    down,
    up: () => listen(bound),
    close: down,
  };
}

export type LaunchDarklyStub = Awaited<ReturnType<typeof launchDarklyStub>>;

const message = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
