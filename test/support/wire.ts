import net, { type Socket } from 'node:net';
import { once } from 'node:events';
import type { Test } from 'tap';
import { startProxy, type Running } from './proxy.ts';
import { startRawUpstream } from './upstream.ts';

/** One message as it was on the wire, in latin1: the framing is read by the letter, and nothing is repaired. */
export type Message = {
  startLine: string;
  /** All values of a header, in order; the name in lower case. */
  values(name: string): string[];
  /** What the framing carried. */
  body: string;
  /** Every byte, from the start line to the last of the body. */
  bytes: string;
};

/** The first message of `bytes` and what comes after it; undefined while it is not complete. */
export function takeMessage(bytes: string): { message: Message; rest: string } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n') + 4;
  if (headEnd < 4) return undefined;
  const [startLine = '', ...lines] = bytes.slice(0, headEnd - 4).split('\r\n');
  const values = (name: string) =>
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return line.slice(0, colon).toLowerCase() === name ? [line.slice(colon + 1).trim()] : [];
    });
  const length = Number(values('content-length')[0] ?? 0);
  const body =
    values('transfer-encoding').length > 0
      ? takeChunks(bytes, headEnd)
      : { data: bytes.slice(headEnd, headEnd + length), end: headEnd + length };
  if (body === undefined || body.end > bytes.length) return undefined;
  const message = { startLine, values, body: body.data, bytes: bytes.slice(0, body.end) };
  return { message, rest: bytes.slice(body.end) };
}

function takeChunks(bytes: string, from: number): { data: string; end: number } | undefined {
  let data = '';
  for (let at = from; ;) {
    const [line, size] = /^([\da-f]+)\r\n/i.exec(bytes.slice(at, at + 20)) ?? [];
    if (line === undefined || size === undefined) return undefined;
    const start = at + line.length;
    const end = start + Number.parseInt(size, 16);
    if (end === start) {
      const last = bytes.startsWith('\r\n', start) ? start : bytes.indexOf('\r\n\r\n', start) + 2;
      return last < start ? undefined : { data, end: last + 2 };
    }
    if (bytes.slice(end, end + 2) !== '\r\n') return undefined;
    data += bytes.slice(start, end);
    at = end + 2;
  }
}

/** An upstream that writes down every byte, and answers each whole request. */
export type Recorder = {
  url: string;
  port: number;
  messages: Message[];
  /** Requests that were never whole when their connection went. */
  cut: string[];
  /** All bytes of all connections, as they came. */
  bytes(): string;
  connections(): number;
};

export async function startRecorder(
  t: Pick<Test, 'teardown'>,
  answer: (message: Message, socket: Socket) => string | void = ({ startLine }) =>
    ok(startLine.startsWith('HEAD ') ? '' : 'ok'),
): Promise<Recorder> {
  const messages: Message[] = [];
  const cut: string[] = [];
  let all = '';
  const { url, port, connections } = await startRawUpstream(t, (socket) => {
    let pending = '';
    socket.on('data', (chunk) => {
      all += chunk.toString('latin1');
      pending += chunk.toString('latin1');
      for (let taken = takeMessage(pending); taken !== undefined; taken = takeMessage(pending)) {
        pending = taken.rest;
        messages.push(taken.message);
        const reply = answer(taken.message, socket);
        if (reply !== undefined) socket.write(reply, 'latin1');
      }
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => pending !== '' && cut.push(pending));
  });
  return { url, port, messages, cut, bytes: () => all, connections };
}

export const ok = (body = 'ok', headers = ''): string =>
  `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

/** A good request after which the connection ends. */
export const get = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: client.example\r\n${headers}Connection: close\r\n\r\n`;

/** What came back on one connection. */
export type Conversation = {
  answers: Message[];
  /** Bytes after the last whole answer. */
  rest: string;
  /** Whether the proxy ended the connection. */
  ended: boolean;
};

/** Where a client comes in: at a port, plainly, or by a way of its own. */
export type Entry = number | (() => Promise<Socket>);

/** Writes bytes on a connection of its own, and listens until the proxy ends it. */
export async function converse(entry: Entry, bytes: string | readonly string[]): Promise<Conversation> {
  const socket =
    typeof entry === 'number'
      ? net.connect({ port: entry, host: '127.0.0.1', noDelay: true })
      : await entry();
  const heard = hear(socket);
  for (const part of [bytes].flat()) {
    socket.write(part, 'latin1');
    // The proxy lives in this process: two turns, and it has read this part alone.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  return heard;
}

/** Listens on a connection until the other side ends it, two seconds at most. */
export async function hear(socket: Socket): Promise<Conversation> {
  let rest = '';
  socket.on('data', (chunk) => (rest += chunk.toString('latin1'))).resume();
  socket.on('error', () => {});
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), 2000);
  const ended =
    socket.closed ||
    (await once(socket, 'close', late).then(
      () => true,
      () => false,
    ));
  clearTimeout(timer);
  socket.destroy();
  const answers: Message[] = [];
  for (let taken = takeMessage(rest); taken !== undefined; taken = takeMessage(rest)) {
    answers.push(taken.message);
    rest = taken.rest;
  }
  return { answers, rest, ended };
}

export const statusOf = (answer: Message | undefined): number => Number(answer?.startLine.split(' ')[1]);

/** A proxy with one plain route to a recorder, or with what `yaml` makes of the recorder's URL. */
export async function startWire(
  t: Pick<Test, 'teardown'>,
  yaml: (url: string) => string = plain,
): Promise<{ proxy: Running; port: number; upstream: Recorder }> {
  const upstream = await startRecorder(t);
  const proxy = await startProxy(t, yaml(upstream.url));
  return { proxy, port: proxy.port, upstream };
}

/** Everything goes to one upstream; `options` join its URL. */
export const plain = (url: string, options = ''): string => `
upstreams: { api: { url: "${url}"${options} } }
routes: [{ name: all, upstream: api }]
shutdown: { drain: 1s }
`;

/** What somebody hopes to get past us behind a request that we refuse. */
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: client.example\r\n\r\n';

/**
 * Shows that `bytes` get one refusal of ours and then the end of the connection, that nothing pipelined behind
 * them is served, and that no byte of it all reaches the upstream: after a good request it has seen that alone.
 */
export async function refuses(
  t: Test,
  { port, upstream }: { port: Entry; upstream: Recorder },
  bytes: string,
  allowed: number | readonly number[],
  name: string = JSON.stringify(bytes),
): Promise<void> {
  const before = upstream.bytes().length;
  const { answers, rest, ended } = await converse(port, bytes + smuggled);
  const [answer] = answers;
  const status = statusOf(answer);
  t.same(
    { answers: answers.length, status, ...refusal(answer), rest, ended },
    {
      answers: 1,
      status: [allowed].flat().includes(status) ? status : allowed,
      connection: ['close'],
      type: ['application/problem+json'],
      problem: status,
      rest: '',
      ended: true,
    },
    `${name}: refused, and the connection ended`,
  );
  await sawOnly(t, { port, upstream }, before, name);
}

/** What every refusal of ours says beside its status; `problem` is the status in the body, if a problem it is. */
export function refusal(answer: Message | undefined): Record<string, unknown> {
  const [type = ''] = answer?.values('content-type') ?? [];
  const body = type === 'application/problem+json' ? (JSON.parse(answer?.body ?? '') as unknown) : {};
  const { type: urn, title, status } = body as Record<string, unknown>;
  const named = /^urn:problem-type:trenchcoat:[a-z-]+$/.test(String(urn)) && typeof title === 'string';
  return { connection: answer?.values('connection'), type: [type], problem: named ? status : undefined };
}

/** Shows that since `before` bytes the upstream has got nothing but a good request that is sent now. */
export async function sawOnly(
  t: Test,
  { port, upstream }: { port: Entry; upstream: Recorder },
  before: number,
  name: string,
): Promise<void> {
  await converse(port, get('/after'));
  const after = upstream.messages.at(-1);
  t.match(after?.startLine, /^GET \S*\/after HTTP\/1\.1$/, `${name}: the next client is served`);
  t.equal(upstream.bytes().slice(before), after?.bytes, `${name}: nothing of it reached the upstream`);
}

/** Sends a good request and gives what the upstream got of it: that message, and no other byte. */
export async function serves(
  t: Test,
  { port, upstream }: { port: Entry; upstream: Recorder },
  bytes: string | readonly string[],
  name: string = JSON.stringify(bytes),
): Promise<Message | undefined> {
  const before = upstream.bytes().length;
  const { answers, rest, ended } = await converse(port, bytes);
  t.same(
    { statuses: answers.map(statusOf), rest, ended },
    { statuses: [200], rest: '', ended: true },
    `${name}: served`,
  );
  const message = upstream.messages.at(-1);
  t.equal(upstream.bytes().slice(before), message?.bytes, `${name}: once, and whole`);
  return message;
}
