import type { StdioOptions } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { EnvironmentError, UserError } from '../config/errors.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Front, Pool } from '../front.ts';
import { openCertificates, type Certificates } from '../proxy/certificates.ts';
import type { StoreAnswer, StoreQuestion } from '../store/remote-store.ts';
import type { Log } from '../telemetry/log.ts';
import type { MetricObjects } from '../telemetry/metrics.ts';
import type { Tally } from '../telemetry/tally.ts';
import { createLineRelay } from './line-relay.ts';
import type { Failure, Report, ToLeader, ToWorker } from './messages.ts';
import { added, none, poolsOf } from './pool-sums.ts';

export type CrewParts = {
  wanted: number;
  loaded: LoadedConfig;
  tally: Tally;
  clock: Clock;
  log: Pick<Log, 'info' | 'warn' | 'error' | 'relay' | 'shape'>;
  /** Takes who wants to hear that the store was written to. */
  onChange: (listener: () => void) => void;
  /** What a worker's question comes to; `name` tells it from the others. */
  answer: (name: string, question: StoreQuestion) => Promise<StoreAnswer>;
};

/** Milliseconds until a worker that died is replaced: the first time, at the most, and after how long a life it is the first again. */
const firstPause = 100;
const longestPause = 10_000;
const longLife = 30_000;
/** Milliseconds that workers have to answer, and beyond their time to drain until they are killed. */
const patience = { report: 500, reload: 20_000, close: 8000 };

type Member = {
  worker: Worker;
  bornAt: number;
  judges: boolean;
  state: 'starting' | 'up' | 'leaving' | 'gone';
  /** Whether it has been told to begin, and with what. */
  begun: boolean;
  latest: Report | undefined;
  /** What its requests in flight come to; they go with it. */
  inFlight: Map<string, { route: string | undefined; version: string | undefined; count: number }>;
  /** Whoever waits for an answer to a message with this number. */
  waiting: Map<number, (message: ToLeader | undefined) => void>;
};

/** Processes of `node:cluster` that take the requests, as one front. One that dies is replaced. */
export function openCrew(parts: CrewParts): Front {
  const { wanted, tally, clock, log, answer } = parts;
  let { loaded } = parts;
  const members = new Set<Member>();
  let stands = false;
  let closing = false;
  let away = false;
  let pause = firstPause;
  let number = 0;
  let turn = 0;
  let droppedByGone = 0;
  /** What was counted at upstreams by those that have ended: such figures never fall. */
  const goneAt = new Map<string, Pool>();
  const retries = new Set<() => void>();
  let certificates: Certificates | undefined;

  // A file takes what each writes behind what was written, whole; into a pipe they would write into each other's lines.
  const toFile = fstatSync(1).isFile();
  const stdio: StdioOptions = ['ignore', toFile ? 'inherit' : 'pipe', 'inherit', 'ipc'];
  cluster.setupPrimary({ serialization: 'advanced', stdio });

  /** Resolves once one more can take requests; rejects when it cannot, or ends before. */
  function hire(): Promise<void> {
    const judges = ![...members].some((one) => one.judges);
    const worker = cluster.fork();
    const member: Member = {
      worker,
      bornAt: clock.now(),
      judges,
      state: 'starting',
      begun: false,
      latest: undefined,
      inFlight: new Map(),
      waiting: new Map(),
    };
    members.add(member);
    worker.process.stdout?.on('data', createLineRelay(log.relay));
    return new Promise((resolve, reject) => {
      // A worker that is gone cannot be told, and its end says so; one that never was has no end.
      worker.on('error', (error) => {
        if (worker.process.pid !== undefined || member.state === 'gone') return;
        part(member, null, error.message);
        reject(new EnvironmentError(`a worker cannot be started: ${error.message}`));
      });
      worker.on('message', (message: ToLeader) => {
        if (message.say === 'here') {
          const { text, file } = loaded;
          member.begun = true;
          const beginning = { text, file, ...log.shape(), workers: wanted, judges };
          say(member, { say: 'begin', beginning });
        } else if (message.say === 'ready') {
          if (member.state === 'starting') member.state = 'up';
          if (away) say(member, { say: 'send away' });
          resolve();
        } else if (message.say === 'failed') reject(errorOf(message.failure));
        else hear(member, message);
      });
      worker.once('exit', (code: number | null, signal: string | null) => {
        part(member, code, signal);
        reject(new EnvironmentError(`a worker ended before it took requests (${signal ?? `exit ${code}`})`));
      });
    });
  }

  function hear(member: Member, message: Exclude<ToLeader, { say: 'here' | 'ready' | 'failed' }>): void {
    if (message.say === 'report') take(member, message.report);
    if (message.say === 'leaving') {
      // One fault may follow another while it drains.
      if (member.state !== 'leaving') replace(member, 'a worker has failed');
    } else if (message.say === 'ask')
      void answer(String(member.worker.id), message.question).then((found) =>
        say(member, { say: 'answer', id: message.id, answer: found }),
      );
    else if (message.id !== undefined) member.waiting.get(message.id)?.(message);
  }

  function take(member: Member, report: Report): void {
    member.latest = report;
    for (const { route, version, inFlight } of report.tally.sides) {
      const key = JSON.stringify([route, version]);
      const count = (member.inFlight.get(key)?.count ?? 0) + inFlight;
      member.inFlight.set(key, { route, version, count });
    }
    tally.absorb(report.tally);
  }

  /** Takes leave of one that ended. */
  function part(member: Member, code: number | null, signal: string | null): void {
    const { state } = member;
    members.delete(member);
    for (const heard of member.waiting.values()) heard(undefined);
    droppedByGone += member.latest?.dropped ?? 0;
    for (const [name, { connects, replays }] of member.latest?.pools ?? []) {
      const counted = { ...none, connects, replays };
      goneAt.set(name, { name, ...added(goneAt.get(name) ?? none, counted) });
    }
    for (const { route, version, count } of member.inFlight.values()) tally.forget(route, version, count);
    if (state !== 'leaving') replace(member, `a worker has ended (${signal ?? `exit ${code}`})`);
    member.state = 'gone';
  }

  /** Hires another in the place of one that was to stay. */
  function replace(member: Member, why: string): void {
    member.state = 'leaving';
    member.judges = false;
    if (closing || !stands) return;
    if (clock.now() - member.bornAt > longLife) pause = firstPause;
    const again = { pid: member.worker.process.pid, againInMs: pause };
    log.error(again, `${why}; another takes its place`);
    const cancel = clock.after(pause, () => {
      retries.delete(cancel);
      hire().then(
        () => log.info({ workers: up().length }, 'a worker has taken its place'),
        (error: unknown) => log.error({ err: error }, 'a worker could not take requests'),
      );
    });
    retries.add(cancel);
    pause = Math.min(pause * 2, longestPause);
  }

  /**
   * Node's own way of sharing a port leaves a connection without an answer when it comes as the last worker closes; so here
   * they are accepted by the leader, and handed out in turn.
   */
  const door = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
    const all = up();
    const member = all[(turn += 1) % all.length];
    if (member === undefined) return void socket.resetAndDestroy();
    member.worker.send({ say: 'serve' } satisfies ToWorker, socket, (error) => {
      if (error !== null) socket.destroy();
    });
  });

  parts.onChange(() => {
    for (const member of members) say(member, { say: 'changed' });
  });

  const up = () => [...members].filter(({ state }) => state === 'up');

  function say({ worker }: Member, message: ToWorker): void {
    if (worker.isConnected()) worker.send(message, () => {});
  }

  /** Says something that is answered; undefined when it is not, in time. */
  function ask(
    member: Member,
    message: (id: number) => ToWorker,
    within: number,
  ): Promise<ToLeader | undefined> {
    const id = (number += 1);
    return new Promise((resolve) => {
      const heard = (found: ToLeader | undefined) => {
        member.waiting.delete(id);
        cancel();
        resolve(found);
      };
      const cancel = clock.after(within, () => heard(undefined));
      member.waiting.set(id, heard);
      say(member, message(id));
    });
  }

  async function reload(member: Member, text: string): Promise<void> {
    const found = await ask(member, (id) => ({ say: 'reload', id, text }), patience.reload);
    if (found?.say === 'reloaded' && found.failure === undefined) return;
    if (member.state !== 'up' && member.state !== 'starting') return;
    // All that is served is of one configuration: whoever cannot follow makes room for one that begins with it.
    const why = found?.say === 'reloaded' ? found.failure?.message : 'no answer';
    log.error({ pid: member.worker.process.pid, why }, 'a worker could not follow, and is replaced');
    member.worker.process.kill('SIGKILL');
  }

  return {
    async listen({ host, port, tls }) {
      // Workers show them; whether they can be used, and what becomes of them, is told once.
      certificates = tls && (await openCertificates(tls, log));
      const begun = Array.from({ length: wanted }, hire);
      try {
        await Promise.all(begun);
        stands = true;
        door.listen(port, host);
        await once(door, 'listening');
        return door.address() as AddressInfo;
      } catch (error) {
        closing = true;
        for (const { worker } of members) worker.process.kill('SIGKILL');
        await Promise.allSettled(begun);
        await certificates?.close();
        throw error;
      }
    },
    async follow(next) {
      loaded = next;
      // Who has begun with the text before follows as soon as it stands; who has not will begin with this one.
      const behind = [...members].filter(
        ({ state, begun }) => state === 'up' || (state === 'starting' && begun),
      );
      await Promise.all(behind.map((member) => reload(member, next.text)));
    },
    expiries: () => certificates?.expiries() ?? [],
    connections: () => sumOf([...members], ({ connections }) => connections),
    pools: () =>
      poolsOf([...members].map(({ latest }) => latest?.pools ?? new Map()).concat(goneAt)).filter(
        ({ name }) => name in loaded.config.upstreams,
      ),
    dropped: () => droppedByGone + sumOf([...members], ({ dropped }) => dropped),
    workers: () => ({ up: up().length, wanted }),
    async gather() {
      const asked = up().map((member) => ask(member, (id) => ({ say: 'report', id }), patience.report));
      const answers = await Promise.all(asked);
      return answers.flatMap((found): MetricObjects[] =>
        found?.say === 'report' && found.report.figures !== undefined ? [found.report.figures] : [],
      );
    },
    sendAway() {
      away = true;
      for (const member of members) say(member, { say: 'send away' });
    },
    async close(drain) {
      closing = true;
      await certificates?.close();
      door.close();
      for (const cancel of retries) cancel();
      const all = [...members];
      const ended = all.map(({ worker }) => new Promise((resolve) => worker.once('exit', resolve)));
      // Who does not listen yet would not hear it, and has nothing to end.
      for (const member of all)
        if (member.begun) say(member, { say: 'close' });
        else member.worker.process.kill('SIGKILL');
      await Promise.race([Promise.all(ended), delay(drain + patience.close, undefined, { ref: false })]);
      for (const { worker } of members) worker.process.kill('SIGKILL');
      await Promise.all(ended);
    },
  };
}

const sumOf = (members: readonly Member[], count: (report: Report) => number): number =>
  members.reduce((sum, { latest }) => sum + (latest === undefined ? 0 : count(latest)), 0);

const errorOf = ({ mistake, message }: Failure): Error =>
  mistake ? new UserError(message) : new EnvironmentError(message);
