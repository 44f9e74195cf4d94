import net, { type Socket } from 'node:net';
import { once } from 'node:events';
import type { Test } from 'tap';
import { until } from './client.ts';
import { evenFlags, flagged, startProxy, type Running } from './proxy.ts';
import { startRawUpstream } from './upstream.ts';

type T = Pick<Test, 'teardown'>;

/** One end of a connection, spoken to in bytes: what the proxy sees on either side, told as a dialogue. */
export type Peer = {
  socket: Socket;
  send: (bytes: string) => void;
  received: () => string;
  /** Waits until what has come so far matches. */
  gets: (pattern: RegExp) => Promise<void>;
  /** Waits for the proxy to end the connection, and says how. */
  ends: (within?: number) => Promise<'end' | 'reset'>;
};

function peer(socket: Socket): Peer {
  let received = '';
  let reset = false;
  let closed = false;
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('end', () => socket.end());
  socket.on('error', (error: NodeJS.ErrnoException) => (reset ||= error.code === 'ECONNRESET'));
  socket.on('close', () => (closed = true));
  const showing = <R>(wait: Promise<R>) =>
    wait.catch((error: unknown) => {
      throw new Error(`${String(error)}; what came: ${JSON.stringify(received.slice(-2000))}`);
    });
  return {
    socket,
    send: (bytes) => void socket.write(bytes, 'latin1'),
    received: () => received,
    gets: async (pattern) => void (await showing(until(() => pattern.test(received), `${pattern}`, 2000))),
    ends: async (within = 2000) => {
      await showing(until(() => closed, 'the end of the connection', within));
      return reset ? 'reset' : 'end';
    },
  };
}

/** A client of bytes. */
export async function dial(t: T, port: number, bytes = ''): Promise<Peer> {
  const socket = net.connect(port, '127.0.0.1');
  const client = peer(socket);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  client.send(bytes);
  return client;
}

export type Steered = {
  proxy: Running;
  /** Sends a request over new connections on both sides; gives both ends once its head has arrived. */
  open: (bytes: string) => Promise<{ client: Peer; server: Peer }>;
  /** The next connection that reaches the upstream, once a head has arrived on it. */
  next: () => Promise<Peer>;
};

export type Speaker = Pick<Steered, 'next'> & {
  url: string;
  connections: () => number;
  /** Ends the connections there were, so that none of an earlier exchange waits in the pool. */
  forget: () => Promise<void>;
};

/** An upstream whose every word is the test's. */
export async function startSpeaker(t: T): Promise<Speaker> {
  const arrived: Peer[] = [];
  const past: Peer[] = [];
  const { url, connections } = await startRawUpstream(t, (socket) => arrived.push(peer(socket)));
  return {
    url,
    connections,
    async next() {
      const server = await until(() => arrived.shift(), 'a connection to the upstream', 2000);
      past.push(server);
      await server.gets(/\r\n\r\n/);
      return server;
    },
    async forget() {
      for (const server of past.splice(0)) await finish(server);
    },
  };
}

async function finish({ socket, ends }: Peer): Promise<void> {
  socket.resume().end();
  await ends();
}

/** A proxy and an upstream whose every word is the test's. */
export async function startSteered(t: T, options: ProxyOptions = {}): Promise<Steered> {
  const { url, next, forget } = await startSpeaker(t);
  const proxy = await startBefore(t, url, options);
  let before: Peer | undefined;
  return {
    proxy,
    next,
    async open(bytes) {
      if (before !== undefined) await finish(before);
      await forget();
      before = await dial(t, proxy.port, bytes);
      return { client: before, server: await next() };
    },
  };
}

export type Replier = {
  url: string;
  heads: string[];
  connections: () => number;
  sockets: ReadonlySet<Socket>;
  /** Gives the bytes for one request head; to be replaced by each test. */
  reply: (head: string, socket: Socket) => string;
};

/** An upstream that answers each request head with exact bytes and then waits; for requests without a body. */
export async function startReplier(t: T, reply: Replier['reply'] = () => okAnswer): Promise<Replier> {
  const heads: string[] = [];
  const { url, connections, sockets } = await startRawUpstream(t, (socket) => {
    let pending = '';
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      for (let end = 0; (end = pending.indexOf('\r\n\r\n')) !== -1;) {
        const head = pending.slice(0, end + 4);
        pending = pending.slice(end + 4);
        heads.push(head);
        const bytes = replier.reply(head, socket);
        if (bytes !== '') socket.write(bytes, 'latin1');
      }
    });
  });
  const replier: Replier = { url, connections, sockets, heads, reply };
  return replier;
}

export const okAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

type ProxyOptions = { deadlines?: string; more?: string };

/** The shared configuration before one upstream, with deadlines that a test can wait for. */
export const startBefore = (
  t: T,
  url: string,
  { deadlines = 'responseTimeout: 1s, idleTimeout: 1s', more = '' }: ProxyOptions = {},
): Promise<Running> =>
  startProxy(t, flagged(url, url, more).replaceAll(`"${url}"`, `"${url}", ${deadlines}`), {
    'flags.yaml': evenFlags,
  });

/** A request of alice, who is served version 0 on `/fact/`; any other path is the plain route. */
export const asks = (line: string, ...fields: string[]): string =>
  [line, 'Host: a', 'Cookie: uid=alice', ...fields, '\r\n'].join('\r\n');

/** The first head of some bytes, taken apart, and all that follows it. */
export function headOf(bytes: string): { line: string; fields: string[]; rest: string } {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no whole head in ${JSON.stringify(bytes.slice(0, 2000))}`);
  const [line = '', ...fields] = bytes.slice(0, end).split('\r\n');
  return { line, fields, rest: bytes.slice(end + 4) };
}

/** The values of a header, one for each line that bears it. */
export const valuesOf = (fields: readonly string[], name: string): string[] =>
  fields
    .filter((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((field) => field.slice(name.length + 1).trim());

/** A chunked body, read strictly; undefined when it is not whole. */
export function unchunk(bytes: string): { data: string; trailers: string[]; rest: string } | undefined {
  let data = '';
  for (let at = 0; ;) {
    const size = /^([\da-fA-F]+)\r\n/.exec(bytes.slice(at, at + 20));
    if (size === null) return undefined;
    const length = Number.parseInt(size[1] ?? '', 16);
    at += size[0].length;
    if (length === 0) {
      const last = /^((?:[^\r\n]+\r\n)*)\r\n/.exec(bytes.slice(at));
      if (last === null) return undefined;
      const trailers = (last[1] ?? '').split('\r\n').filter((line) => line !== '');
      return { data, trailers, rest: bytes.slice(at + last[0].length) };
    }
    if (bytes.slice(at + length, at + length + 2) !== '\r\n') return undefined;
    data += bytes.slice(at, at + length);
    at += length + 2;
  }
}
