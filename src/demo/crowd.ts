import { Agent, get, type ClientRequest } from 'node:http';

/** One of the crowd. `version` is what X-Api-Version said last, undefined before the first answer. */
export type Visitor = {
  id: string;
  version: string | undefined;
  /** How often they were taken to v1, and from it, since the first answer. */
  forward: number;
  back: number;
  /** When they asked the last question that has ended. */
  askedAt: number | undefined;
};

/** Visitors who ask for facts again and again, so that there is traffic without a browser. */
export type Crowd = {
  /** As they are now. */
  visitors: readonly Readonly<Visitor>[];
  /** Questions that have ended so far, well or not. */
  asked(): number;
  /** Ends every question and connection at once. */
  stop(): void;
};

export type CrowdOptions = {
  /** What they ask for: a http address. */
  url: string;
  /** Milliseconds in which each of them asks once, one after the other. */
  every: number;
  clock: Clock;
};

/** The time, in milliseconds, and what is to be done later, unless the function returned is called before. */
export type Clock = {
  now(): number;
  after(milliseconds: number, task: () => void): () => void;
};

/** The page has a cell for each of these names. */
const names = Array.from({ length: 100 }, (_, index) => `visitor-${index + 1}`);

/** So many ask at once. They need no more connections, unless answers are slow. */
const abreast = 4;
/** Milliseconds that an answer may take. */
const patience = 5000;

/** Starts a hundred visitors. Failures are no answers: the visitor stays what they were, and asks again in turn. */
export function startCrowd({ url, every, clock }: CrowdOptions): Crowd {
  const visitors = names.map((id): Visitor => ({
    id,
    version: undefined,
    forward: 0,
    back: 0,
    askedAt: undefined,
  }));
  const agent = new Agent({ keepAlive: true });
  const open = new Map<Visitor, ClientRequest>();
  let asked = 0;

  function ask(visitor: Visitor): void {
    const now = clock.now();
    const question = get(
      url,
      { agent, headers: { 'X-User-Id': visitor.id }, timeout: patience },
      (answer) => {
        const version = answer.headers['x-api-version'];
        if (typeof version === 'string') note(visitor, version);
        answer.on('error', () => {}).resume();
      },
    );
    open.set(visitor, question);
    question.on('timeout', () => question.destroy());
    question.on('error', () => {});
    question.on('close', () => {
      asked += 1;
      visitor.askedAt = now;
      open.delete(visitor);
    });
  }

  let turn = 0;
  let cancel: () => void;
  const goOn = () => {
    cancel = clock.after((every * abreast) / visitors.length, goOn);
    for (const visitor of visitors.slice(turn, turn + abreast))
      // Who still waits for an answer asks no second question: answers come in order.
      if (!open.has(visitor)) ask(visitor);
    turn = (turn + abreast) % visitors.length;
  };
  goOn();

  return {
    visitors,
    asked: () => asked,
    stop() {
      cancel();
      for (const question of open.values()) question.destroy();
      agent.destroy();
    },
  };
}

function note(visitor: Visitor, version: string): void {
  const before = visitor.version;
  visitor.version = version;
  if (before === undefined || before === version) return;
  if (version === '1') visitor.forward += 1;
  else visitor.back += 1;
}
