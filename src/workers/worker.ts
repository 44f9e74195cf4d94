import { Socket } from 'node:net';
import { startApp, type App } from '../app.ts';
import { systemClock, type Clock } from '../clock.ts';
import { UserError } from '../config/errors.ts';
import { parseConfig, type LoadedConfig } from '../config/load.ts';
import type { StateConfig } from '../config/schema.ts';
import { secretsOf } from '../config/secrets.ts';
import { frontOf, type Front, type FrontParts } from '../front.ts';
import { createProxyServer, type ProxyServer } from '../proxy/server.ts';
import { endStart } from '../lean-start.ts';
import { openStore } from '../store/open-store.ts';
import { remoteStore, type StoreAnswer, type StoreQuestion } from '../store/remote-store.ts';
import { sharedHere } from '../store/shared-here.ts';
import type { Kind } from '../store/store.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { figuresOfProcess } from '../telemetry/metrics.ts';
import { createTally } from '../telemetry/tally.ts';
import type { Beginning, Failure, Report, ToLeader, ToWorker } from './messages.ts';
import { shareOf } from './share.ts';

/** Milliseconds between two reports of what was counted. */
const reportEvery = 250;

/** One of several processes that take requests. Does as its leader says; resolves with the exit code. */
export function runWorker(): Promise<number> {
  return new Promise((resolve) => {
    const worker = createWorker(resolve);
    // Whoever ends the whole group of processes, as Ctrl-C does, ends the leader, and that one ends us.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
    process.on('message', (message: ToWorker, socket?: Socket) => void worker.hear(message, socket));
    process.on('uncaughtException', (error) => void worker.fail(error));
    void say({ say: 'here' });
  });
}

/** Resolves when it has been told. */
const say = (message: ToLeader): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });

function createWorker(end: (code: number) => void) {
  const tally = createTally();
  const waiting = new Map<number, (answer: StoreAnswer) => void>();
  let asked = 0;
  let beginning: Beginning | undefined;
  let log: Log | undefined;
  let server: ProxyServer | undefined;
  let front: Front | undefined;
  let app: App | undefined;
  let reporting: NodeJS.Timeout | undefined;
  let ending = false;
  /** Settles when it has begun, or cannot. */
  let begun: Promise<void> = Promise.resolve();

  const ask = (question: StoreQuestion) =>
    new Promise<StoreAnswer>((resolve) => {
      const id = (asked += 1);
      waiting.set(id, resolve);
      void say({ say: 'ask', id, question });
    });

  const listeners = new Set<() => void>();
  const onChange = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  const openStoreHere = async (state: StateConfig, clock: Clock, kinds: readonly Kind[]) =>
    // Several proxies may share a Redis, so several processes of one may.
    state.kept === 'redis'
      ? openStore(state, clock, kinds)
      : remoteStore(state.kept, clock, { ...sharedHere, onChange }, ask);

  const report = (): Report => ({
    tally: tally.take(),
    connections: front?.connections() ?? 0,
    pools: new Map(front?.pools().map((pool) => [pool.name, pool])),
    dropped: log?.dropped() ?? 0,
  });

  async function begin(told: Beginning): Promise<void> {
    beginning = told;
    void figuresOfProcess();
    const { config } = read(told.text, told);
    log = await createLog(config.log, { secrets: secretsOf(config), colours: told.colours });
    app = await startApp(config, log, systemClock, undefined, {
      openFront(parts) {
        server = createProxyServer(parts.serving(), parts.onRefused, parts.log);
        return (front = standingBy(server, parts));
      },
      openStore: openStoreHere,
      judging: told.judges ? 'for all' : 'nothing',
      speaks: false,
      tally,
    });
    reporting = setInterval(() => void say({ say: 'report', report: report() }), reportEvery).unref();
    endStart();
    await say({ say: 'ready' });
  }

  async function stop(code: number): Promise<void> {
    if (ending) return;
    ending = true;
    await app?.stop().catch((error: unknown) => log?.error({ err: error }, 'the stop failed'));
    clearInterval(reporting);
    await log?.close();
    await say({ say: 'report', report: report() });
    end(code);
    process.disconnect();
  }

  return {
    async hear(message: ToWorker, socket: Socket | undefined): Promise<void> {
      switch (message.say) {
        case 'begin':
          return (begun = begin(message.beginning).catch(async (error: unknown) => {
            await say({ say: 'failed', failure: failureOf(error) });
            await stop(error instanceof UserError ? 1 : 2);
          }));
        case 'reload': {
          const { id, text } = message;
          const failed = await follow(text).then(() => undefined, failureOf);
          return say({ say: 'reloaded', id, ...(failed !== undefined && { failure: failed }) });
        }
        case 'report': {
          const figures = await figuresOfProcess();
          return say({ say: 'report', id: message.id, report: { ...report(), figures } });
        }
        case 'changed':
          for (const listener of listeners) listener();
          return;
        case 'serve':
          // A client may be gone by the time its socket is here.
          if (socket instanceof Socket) server?.take(socket);
          return;
        case 'send away':
          return front?.sendAway();
        case 'close':
          return stop(0);
        case 'answer':
          waiting.get(message.id)?.(message.answer);
          waiting.delete(message.id);
      }
    },
    async fail(error: Error): Promise<void> {
      log?.fatal({ err: error }, 'a fault of ours; draining');
      await say({ say: 'leaving' });
      await stop(2);
    },
  };

  async function follow(text: string): Promise<void> {
    await begun;
    if (beginning === undefined || app === undefined) throw new Error('it has not begun');
    await app.follow(read(text, beginning));
  }
}

/** A server that its leader gives connections, and that has no port. */
const standingBy = (server: ProxyServer, parts: FrontParts): Front => ({
  ...frontOf(server, parts),
  async listen(how) {
    await server.standBy(how);
    return { address: how.host, family: '', port: how.port };
  },
});

/** A worker's part of the configuration that a text is. */
function read(text: string, { file, workers, format }: Beginning): LoadedConfig {
  const loaded = parseConfig(text, file);
  const config = shareOf(loaded.config, workers);
  return { ...loaded, config: { ...config, log: { ...config.log, format } } };
}

const failureOf = (error: unknown): Failure => ({
  mistake: error instanceof UserError,
  message: error instanceof Error ? error.message : String(error),
});
