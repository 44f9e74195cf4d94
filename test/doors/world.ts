import type { Test } from 'tap';
import { startSpeaker, type Peer, type Speaker } from '../support/peers.ts';
import { evenFlags, startProxy, type Running } from '../support/proxy.ts';
import { startRecorder, type Message, type Recorder } from '../support/wire.ts';
import type { Answered, Ask, Asking, Connection, Door } from './door.ts';

type T = Pick<Test, 'teardown'>;

/** What a behaviour is shown with: proxies behind one door, and what is behind them. */
export type World = {
  door: Door;
  /** A proxy before an upstream that writes all down and answers each whole request with `ok`. */
  recorded: { port: number; upstream: Recorder };
  /** The same, but with its clients trusted. */
  trusting: { port: number; upstream: Recorder };
  /** A proxy before an upstream whose every word is the behaviour's. */
  port: number;
  speaker: Speaker;
  /** Asks over new connections on both sides; gives both ends once the head has arrived. */
  exchange: (ask?: Ask) => Promise<Exchange>;
  /** Asks, has the upstream answer with these bytes, and end when they must; gives what the client got. */
  answered: (
    ask: Ask,
    bytes: string,
    then?: (server: Peer) => unknown,
  ) => Promise<Exchange & { answer: Answered }>;
  /** Sends a request to the upstream that writes down: what that got, and what the client. */
  asked: (
    ask?: Ask,
    to?: { port: number; upstream: Recorder },
  ) => Promise<{ message: Message; answer: Answered }>;
  /** A connection of a client that is gone when the test is over. */
  open: (port?: number) => Promise<Connection>;
  /** Another proxy behind this door. */
  start: (t: T, yaml: string) => Promise<Running>;
};

type Exchange = { connection: Connection; asking: Asking; server: Peer };

/**
 * Everything goes to one upstream: alice is version 0 of `/fact/`; `/based/` is behind a base path, `/kept/` keeps the client's
 * Host, `/hasty/` waits but 150 ms; all else is the plain route.
 */
const routes = (url: string, more = '') => `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: local, file: flags.yaml }
upstreams:
  v0: { url: "${url}", responseTimeout: 1s, idleTimeout: 1s }
  v1: { url: "${url}", responseTimeout: 1s, idleTimeout: 1s }
  based: { url: "${url}/base", responseTimeout: 1s }
  kept: { url: "${url}", preserveHost: true }
  hasty: { url: "${url}", responseTimeout: 150ms, idleTimeout: 150ms }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: based, match: { path: /based/ }, upstream: based }
  - { name: kept, match: { path: /kept/ }, upstream: kept }
  - { name: hasty, match: { path: /hasty/ }, upstream: hasty }
  - { name: named, match: { host: named.example, path: /named/ }, upstream: based }
  - { name: unnamed, match: { path: /named/ }, upstream: v0 }
  - { name: site, match: { path: / }, upstream: v0 }
${more}`;

export async function startWorld(t: T, door: Door): Promise<World> {
  const start = (t: T, yaml: string) =>
    startProxy(t, `${door.listen}shutdown: { drain: 100ms }\n${yaml}`, {
      ...door.files,
      'flags.yaml': evenFlags,
    });
  const upstream = await startRecorder(t);
  const recorded = { upstream, port: (await start(t, routes(upstream.url))).port };
  const trusted = await start(t, routes(upstream.url, 'trustedProxies: [loopback]'));
  const speaker = await startSpeaker(t);
  const { port } = await start(t, routes(speaker.url));
  const past: Connection[] = [];

  const open = async (to = port) => {
    const connection = await door.open(to);
    t.teardown(() => connection.destroy());
    return connection;
  };
  const exchange = async (ask?: Ask) => {
    for (const connection of past.splice(0)) connection.destroy();
    await speaker.forget();
    const connection = await open();
    past.push(connection);
    const asking = connection.ask(ask);
    return { connection, asking, server: await speaker.next() };
  };
  return {
    door,
    recorded,
    trusting: { upstream, port: trusted.port },
    port,
    speaker,
    open,
    exchange,
    start,
    async answered(ask, bytes, then) {
      const one = await exchange(ask);
      one.server.send(bytes);
      then?.(one.server);
      return { ...one, answer: await one.asking.done() };
    },
    async asked(ask, to = recorded) {
      const before = to.upstream.messages.length;
      const connection = await door.open(to.port);
      const answer = await connection.ask(ask).done();
      connection.destroy();
      const [message, ...others] = to.upstream.messages.slice(before);
      if (message === undefined || others.length > 0 || answer.status !== 200)
        throw new Error(`${JSON.stringify(ask)}: ${answer.status}, ${others.length} more than one upstream`);
      return { message, answer };
    },
  };
}
