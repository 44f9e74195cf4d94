import net, { type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';
import { startProxy, type Running } from '../support/proxy.ts';
import { readAnswer } from './answer-reader.ts';
import type { UpstreamScript } from './answers.ts';
import { caseName, torn } from './pieces.ts';
import { readConversation, readRequest } from './request-reader.ts';
import type { ClientScript } from './requests.ts';

export type Case = { client: ClientScript; upstream: UpstreamScript };

/** A request as it arrived at the upstream, and what was done with it. */
export type Arrival = {
  text: string;
  /** Whether its connection had served before. */
  reused: boolean;
  /** Whether the upstream had ended the connection already. */
  dead: boolean;
  /** What answers it. */
  script: UpstreamScript;
  /** Whether all of that is sent, and whether any. */
  played: boolean;
  begun: boolean;
};

export type Observation = {
  /** What the client would send, and what came back. */
  sent: string;
  received: string;
  /** Whether the client's connection was reset. */
  reset: boolean;
  hung: boolean;
  milliseconds: number;
  arrivals: Arrival[];
};

export type World = {
  proxy: Running;
  upstreamHost: string;
  /** Connections that the upstream has open. */
  upstreamSockets: ReadonlySet<Socket>;
  run(one: Case): Promise<Observation>;
};

/** Milliseconds after which a case hangs: all timeouts of the proxy are well below. */
const patience = 3000;

/** One proxy between a client and an upstream that know only bytes. Cases run one after the other. */
export async function startWorld(t: Pick<Test, 'teardown'>): Promise<World> {
  let count = 0;
  let arrivals: Arrival[] = [];
  let scripts: { first: UpstreamScript; further: UpstreamScript } | undefined;
  let playing = new Set<Promise<void>>();
  const upstreamSockets = new Set<Socket>();

  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let arrival: Arrival | undefined;
    let served = false;
    upstreamSockets.add(socket);
    socket.on('close', () => upstreamSockets.delete(socket)).on('error', () => {});
    // Whoever plays ends it.
    socket.on('end', () => void (arrival?.begun === true && !arrival.played ? undefined : socket.end()));
    socket.on('data', (chunk) => {
      let text = chunk.toString('latin1');
      if (arrival !== undefined) {
        arrival.text += text;
        // Behind an early answer, the rest of its request and the next one may come together.
        const end = endOf(arrival) ?? arrival.text.length;
        text = arrival.text.slice(end);
        arrival.text = arrival.text.slice(0, end);
      }
      if (arrival === undefined || text !== '') {
        if (scripts === undefined) throw new Error('a request between cases');
        const script = text.includes('/followed-') ? scripts.further : scripts.first;
        arrival = { text, reused: served, dead: socket.writableEnded, script, played: false, begun: false };
        arrivals.push(arrival);
        served = true;
      }
      if (arrival.begun) return;
      const reading = readRequest(arrival.text);
      if (reading.kind !== 'complete' && (reading.request === undefined || arrival.script.start !== 'head'))
        return;
      arrival.begun = true;
      const play = perform(socket, arrival, reading.request?.method ?? '').finally(() =>
        playing.delete(play),
      );
      playing.add(play);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstreamHost = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.teardown(() => {
    for (const socket of upstreamSockets) socket.destroy();
    server.close();
  });
  const proxy = await startProxy(t, configuration(upstreamHost));

  return {
    proxy,
    upstreamHost,
    upstreamSockets,
    async run({ client, upstream }) {
      count += 1;
      const name = `c${count.toString(36).padStart(7, '0')}`;
      const named = (text: string) => text.replaceAll(caseName, name);
      const sent = named(client.bytes + (client.followed ? followUp : ''));
      const first = { ...upstream, bytes: named(upstream.bytes) };
      scripts = {
        first,
        further: {
          ...first,
          bytes: named(followUpAnswer),
          splits: [],
          start: 'complete',
          afterwards: 'keep',
        },
      };
      arrivals = [];
      const observation = await converse(proxy.port, sent, client.splits);
      await Promise.all(playing);
      // What is on its way must not meet the next case.
      for (let i = 0; i < 3; i += 1) await turn();
      const result = { ...observation, arrivals };
      scripts = undefined;
      playing = new Set();
      return result;
    },
  };
}

const configuration = (upstreamHost: string): string => `
admin: "off"
upstreams:
  raw:
    url: http://${upstreamHost}
    rewriteLocation: false
    connectTimeout: 1s
    responseTimeout: 300ms
    idleTimeout: 300ms
limits: { headTimeout: 300ms, bodyIdleTimeout: 300ms, keepAliveTimeout: 300ms }
log: { access: false }
routes:
  - { name: all, upstream: raw }
shutdown: { drain: 1s }
`;

const followUp = `GET /followed-${caseName} HTTP/1.1\r\nHost: h.example\r\nX-Case: ${caseName}\r\n\r\n`;
const followUpAnswer = `HTTP/1.1 200 OK\r\nX-Case: ${caseName}\r\nContent-Length: 14\r\n\r\nplain ${caseName}`;

/** A turn of the event loop: whoever has bytes to read, reads them. */
export const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Where a request ends whose answer is out, so that another may follow it. */
function endOf({ played, text, script }: Arrival): number | undefined {
  const reading = readRequest(text);
  if (!played || reading.kind !== 'complete') return undefined;
  const { method, tunnel } = reading.request;
  const switched = tunnel && readAnswer(script.bytes, 0, { method, tunnel }, 'end').answer?.status === 101;
  return switched ? undefined : reading.next;
}

/** How an answer ends, seen from the proxy. */
export function endingOf({ bytes, afterwards }: UpstreamScript, method: string, tunnel: boolean) {
  if (afterwards !== 'keep') return afterwards === 'silence' ? 'open' : afterwards;
  return readAnswer(bytes, 0, { method, tunnel }, 'open').kind === 'complete' ? 'open' : 'end';
}

async function perform(socket: Socket, arrival: Arrival, method: string): Promise<void> {
  const { script } = arrival;
  const reading = readAnswer(script.bytes, 0, { method, tunnel: true }, 'end');
  // Excess that comes late meets the next request on that connection, and nobody could tell it from an answer.
  const whole = reading.kind === 'complete' && reading.next < script.bytes.length;
  for (const [i, piece] of torn(script.bytes, whole ? [] : script.splits).entries()) {
    if (i > 0) await turn();
    if (!socket.writable) break;
    socket.write(piece, 'latin1');
  }
  arrival.played = true;
  const tunnel = reading.answer?.status === 101;
  const ending = tunnel && script.afterwards === 'keep' ? 'open' : endingOf(script, method, tunnel);
  if (ending === 'reset') {
    await turn();
    socket.resetAndDestroy();
  } else if (ending === 'end' || socket.readableEnded) socket.end();
}

/** Sends bytes torn apart, and ends the connection once all answers are there that can be. */
async function converse(
  port: number,
  sent: string,
  splits: readonly number[],
): Promise<Omit<Observation, 'arrivals'>> {
  const startedAt = performance.now();
  const { requests, afterwards } = readConversation(sent);
  const owed = requests.length + (afterwards?.kind === 'malformed' ? 1 : 0);
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  let received = '';
  let reset = false;
  let hung = false;
  let written = false;
  const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
  const timer = setTimeout(() => {
    hung = true;
    socket.destroy();
  }, patience);
  const look = () => {
    if (!written) return;
    let at = 0;
    for (let i = 0; i < owed; i += 1) {
      const { method = 'GET', tunnel = false } = requests[i] ?? {};
      const reading = readAnswer(received, at, { method, tunnel }, 'open');
      if (reading.answer?.status === 101) break;
      if (reading.kind !== 'complete') return;
      at = reading.next;
    }
    socket.end();
  };
  socket.setEncoding('latin1');
  socket.on('error', () => (reset = true));
  // libuv tells a reset right behind bytes as an end; only a write tells it from one.
  socket.on('end', () => {
    if (socket.writable) socket.write('');
    socket.end();
  });
  socket.on('data', (chunk) => {
    received += String(chunk);
    look();
  });
  for (const piece of torn(sent, splits)) {
    if (!socket.writable) break;
    socket.write(piece, 'latin1');
    await turn();
  }
  if (owed === 0) for (let i = 0; i < 4; i += 1) await turn();
  written = true;
  look();
  await closed;
  clearTimeout(timer);
  return { sent, received, reset, hung, milliseconds: performance.now() - startedAt };
}
