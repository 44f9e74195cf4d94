import type { Clock } from '../clock.ts';
import type { NotifyConfig } from '../config/guard-schema.ts';
import type { FlagLog } from '../flags/provider.ts';
import type { Regression } from '../telemetry/regression.ts';
import { askedToWait, waitFor } from './backoff.ts';
import { messageOf, signedHeaders, signingKey } from './message.ts';
import { send, type OutboundError } from './outbound.ts';

export type WebhookParts = {
  log: FlagLog;
  clock: Clock;
  random?: () => number;
  /** Milliseconds since 1970 by which receivers judge a signature's age: the system's clock, corrections and all. */
  wallTime?: () => number;
};

export type Webhooks = {
  /** Tells every webhook, now or as soon as it can be told. Returns at once, and never throws. */
  tell(regression: Regression): void;
  /** Tries once more, now, what is still to be told, and waits for the end of it, at most this many milliseconds. */
  close(deadline: number): Promise<void>;
  /** What is wrong with webhooks now, in a sentence without secrets. */
  trouble(): string | undefined;
};

/** Messages that wait for one webhook. */
const room = 100;

/** Milliseconds for which a message is tried again, and up to which a webhook can ask to be left alone. */
const hour = 3_600_000;

/** Bytes of an answer that are read; what follows is of no interest. */
const most = 1024 ** 2;

/** Opens the webhooks of a configuration. Nothing is connected before there is something to tell. */
export function openWebhooks(hooks: NotifyConfig, parts: WebhookParts): Webhooks {
  const open = hooks.map((hook, index) => openWebhook(hook, index, parts));
  return {
    tell(regression) {
      const message = { id: regression.id, body: messageOf(regression) };
      for (const hook of open) hook.tell(message);
    },
    close: async (deadline) => void (await Promise.all(open.map((hook) => hook.close(deadline)))),
    trouble() {
      const all = new Set(open.map((hook) => hook.trouble()).filter((trouble) => trouble !== undefined));
      return all.size === 0 ? undefined : [...all].join('; ');
    },
  };
}

type Message = { id: string; body: string };

/** A message that is not told yet. It is tried, or rests until the next try; `stop` ends either. */
type Waiting = Message & {
  since: number;
  failures: number;
  resting: boolean;
  stop: () => void;
  /** The end of its latest try. */
  tried: Promise<void>;
};

/** Why a try failed, and whether another may not; `asked`: milliseconds that the webhook asked for. */
type Failure = { why: string; passing: boolean; asked?: number | undefined };

function openWebhook(
  { webhook: url, secret }: NotifyConfig[number],
  index: number,
  { log, clock, random = Math.random, wallTime = Date.now }: WebhookParts,
) {
  const key = secret === undefined ? undefined : signingKey(secret);
  /** The oldest first. */
  const waiting = new Set<Waiting>();
  let trouble: string | undefined;
  let closing = false;

  /** The origin alone would not tell two webhooks of one chat apart. */
  const about = ({ id }: Message) => ({ webhook: url.origin, notify: index, regression: id });

  function giveUp(message: Waiting, why: string): void {
    waiting.delete(message);
    message.stop();
    log.error({ ...about(message), tries: message.failures, why }, 'a webhook is not told of a regression');
  }

  async function attempt(message: Waiting): Promise<void> {
    const over = new AbortController();
    message.stop = () => over.abort();
    const failure = await post(message, over.signal);
    if (!waiting.has(message)) return;
    if (failure === undefined) {
      waiting.delete(message);
      trouble = undefined;
      log.info({ ...about(message), tries: message.failures + 1 }, 'a webhook is told of a regression');
      return;
    }
    message.failures += 1;
    if (trouble === undefined && failure.passing)
      log.warn({ ...about(message), why: failure.why }, 'a webhook cannot be told yet of a regression');
    trouble = failure.why;
    if (!failure.passing || closing || clock.now() - message.since >= hour) giveUp(message, failure.why);
    else rest(message, waitFor(message.failures, failure.asked, hour, random));
  }

  function begin(message: Waiting): void {
    message.resting = false;
    message.tried = attempt(message);
  }

  function rest(message: Waiting, milliseconds: number): void {
    message.resting = true;
    message.stop = clock.after(milliseconds, () => begin(message));
  }

  async function post(message: Message, signal: AbortSignal): Promise<Failure | undefined> {
    try {
      const headers = {
        'content-type': 'application/json',
        ...signedHeaders(message, wallTime(), key),
      };
      const { body } = message;
      const answer = await send({ method: 'POST', url, headers, body, most, signal, clock });
      return failureOf(url, answer, clock.now());
    } catch (error) {
      return { why: (error as OutboundError).message, passing: true };
    }
  }

  return {
    tell({ id, body }: Message): void {
      const message: Waiting = {
        id,
        body,
        since: clock.now(),
        failures: 0,
        resting: true,
        stop: noop,
        tried: Promise.resolve(),
      };
      if (closing) {
        giveUp(message, 'the proxy has stopped');
        return;
      }
      const [oldest] = waiting;
      if (oldest !== undefined && waiting.size >= room) giveUp(oldest, `${room} later messages wait`);
      waiting.add(message);
      begin(message);
    },
    async close(deadline: number): Promise<void> {
      closing = true;
      for (const message of waiting) {
        if (!message.resting) continue;
        message.stop();
        begin(message);
      }
      let forget = noop;
      const late = new Promise<void>((resolve) => (forget = clock.after(deadline, resolve)));
      await Promise.race([Promise.all([...waiting].map(({ tried }) => tried)), late]);
      forget();
      for (const message of waiting) giveUp(message, 'the proxy stops');
    },
    trouble(): string | undefined {
      if (trouble === undefined || waiting.size === 0) return trouble;
      return `${trouble}; ${waiting.size === 1 ? 'a message waits' : `${waiting.size} messages wait`}`;
    },
  };
}

function failureOf(
  url: URL,
  answer: Parameters<typeof askedToWait>[0] & { body: string },
  now: number,
): Failure | undefined {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return undefined;
  // A word such as Slack's `no_service` helps; anything else may be an echo of what nobody should read.
  const word = /^[a-z_]{1,40}$/.test(body) && !url.pathname.includes(body) ? ` (${body})` : '';
  return {
    why: `${url.origin} answered ${status}${word}`,
    passing: status === 408 || status === 429 || status >= 500,
    asked: askedToWait(answer, now),
  };
}

function noop(): void {
  // There is nothing to end.
}
