import { setTimeout as after } from 'node:timers/promises';
import { init, type LDClient, type LDContext, type LDOptions } from '@launchdarkly/node-server-sdk';
import { TestData } from '@launchdarkly/node-server-sdk/integrations';
import { UserError } from '../config/errors.ts';
import type { FlagsConfig } from '../config/schema.ts';
import { sdkAgent } from './agent.ts';
import { flagStore } from './flag-store.ts';
import type { Evaluation, EvaluationReason, FlagData, FlagLog, FlagProvider } from './provider.ts';
import { sdkLogger } from './sdk-log.ts';
import { sourceHealth } from './source-health.ts';

type LaunchDarklyConfig = Extract<FlagsConfig, { source: 'launchdarkly' }>;
type Evaluator = Pick<FlagProvider, 'evaluate' | 'flagData'>;
type FlagSet = { flags: Record<string, unknown>; segments: Record<string, unknown> };
type FeedArguments = Parameters<ReturnType<TestData['getFactory']>>;

const flushEvery = 5000;

/**
 * Flags from LaunchDarkly, or from its Relay Proxy. Settles when flags are there, when LaunchDarkly refused the
 * SDK key, or after `initTimeout`, whichever comes first; from then on the SDK goes on by itself, and the default
 * is served until flags come. Rejects with a UserError alone, for addresses that cannot go together.
 */
export async function openLaunchDarkly(config: LaunchDarklyConfig, log: FlagLog): Promise<FlagProvider> {
  const health = sourceHealth(log, config.initTimeout);
  const store = flagStore(health);
  const { options, release } = connection(config);
  if (!/^[\x21-\x7e]+$/.test(config.sdkKey))
    throw new UserError('flags.sdkKey holds a space, a line break or another character that no SDK key has');
  const logger = sdkLogger(log, health.hear, config.sdkKey);
  const client = init(config.sdkKey, {
    ...options,
    featureStore: store,
    logger,
    sendEvents: config.events,
    diagnosticOptOut: !config.events,
    flushInterval: 86_400, // Flushed below, where a stop can wait for what is on its way.
  });
  const events = config.events ? eventPump(client, log) : undefined;

  // Errors of the connection come as `failed` too.
  client.on('error', (error: Error) => {
    if (error.name === 'LaunchDarklyClientError') logger.error(error.message);
  });
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      health.late();
      resolve();
    }, config.initTimeout);
    const arrived = () => {
      clearTimeout(timer);
      resolve();
    };
    client.once('ready', arrived);
    client.on('failed', (error: Error) => {
      if (health.failed(error)) arrived();
    });
  });

  return {
    ...evaluatorOf(client, store),
    state: () => health.state(client.initialized()),
    async close(deadline) {
      await events?.stop(deadline);
      client.close();
      release();
    },
  };
}

/**
 * LaunchDarkly's evaluator over flags that are handed in, with no account and no network. `replace` puts whole
 * flag data in place of what was there, at once: no evaluation sees half of it. The data must be valid.
 */
export function localEvaluator(log: FlagLog): Evaluator & { replace(data: FlagSet): void; close(): void } {
  const store = flagStore({ taken: noop, unreadable: noop });
  const feed: { start?: (source: TestData) => void } = {};
  const client = init('local', {
    // TestData alone can prepare flags for the evaluator, but can neither delete nor replace all at once: so each
    // set of flags gets one of its own, which fills the store in one step.
    updateProcessor(...given: FeedArguments) {
      feed.start = (source) => {
        source
          .getFactory()(...given)
          .start();
      };
      return { start: noop, stop: noop, close: noop };
    },
    featureStore: store,
    logger: sdkLogger(log),
    sendEvents: false,
    diagnosticOptOut: true,
  });
  return {
    ...evaluatorOf(client, store),
    replace({ flags, segments }) {
      const source = new TestData();
      for (const flag of Object.values(flags)) void source.usePreconfiguredFlag(flag);
      for (const segment of Object.values(segments)) void source.usePreconfiguredSegment(segment);
      feed.start?.(source);
    },
    close: () => client.close(),
  };
}

function evaluatorOf(client: LDClient, store: ReturnType<typeof flagStore>): Evaluator {
  return {
    evaluate(flagKey, context, fallback) {
      // Asked before flags are there, the SDK would log each time; the state has said it once.
      if (!client.initialized()) return Promise.resolve(failure('CLIENT_NOT_READY', fallback));
      return client.variationDetail(flagKey, context as LDContext, fallback).then(
        ({ value, variationIndex, reason }): Evaluation => ({
          value,
          variationIndex: variationIndex ?? undefined,
          reason: reason as EvaluationReason,
        }),
        () => failure('EXCEPTION', fallback),
      );
    },
    flagData(flagKey) {
      const flag = store.read('features', flagKey);
      return isFlag(flag) ? flag : undefined;
    },
  };
}

/** What LaunchDarkly sends is not checked as a flag file is. */
function isFlag(item: object | undefined): item is FlagData {
  return item !== undefined && 'key' in item && 'variations' in item && Array.isArray(item.variations);
}

const failure = (errorKind: NonNullable<EvaluationReason['errorKind']>, value: unknown): Evaluation => ({
  value,
  variationIndex: undefined,
  reason: { kind: 'ERROR', errorKind },
});

/** Where to connect, and the agent that does. */
function connection({ relay, uris, proxy }: LaunchDarklyConfig): { options: LDOptions; release: () => void } {
  const { base, stream, events } =
    relay === undefined ? (uris ?? {}) : { base: relay, stream: relay, events: relay };
  const schemes = new Set([base, stream, events].map((url) => url?.protocol ?? 'https:'));
  if (schemes.size > 1)
    throw new UserError('flags.uris: base, stream and events must be all https or all http');
  const { agent, release } = sdkAgent(schemes.has('https:'), proxy);
  const options: LDOptions = {
    proxyAgent: agent,
    ...(base && { baseUri: text(base) }),
    ...(stream && { streamUri: text(stream) }),
    ...(events && { eventsUri: text(events) }),
  };
  return { options, release };
}

const text = (url: URL) => url.href.replace(/\/$/, '');

function noop(): void {
  // Nothing to do.
}

/** Sends the SDK's events every five seconds, one batch at a time, and says when they cannot be delivered. */
function eventPump(client: LDClient, log: FlagLog) {
  let failing = false;
  let sending: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    await client.flush((error) => {
      if (error && !failing) log.warn({}, `events cannot be delivered to LaunchDarkly: ${error.message}`);
      failing = error instanceof Error;
    });
    sending = undefined;
  };
  const timer = setInterval(() => {
    sending ??= send();
  }, flushEvery);
  return {
    /** Sends what is left, and waits `deadline` milliseconds at the most. */
    async stop(deadline: number): Promise<void> {
      clearInterval(timer);
      const cut = new AbortController();
      const late = after(deadline, undefined, { signal: cut.signal }).catch(noop);
      await Promise.race([Promise.all([sending, send()]), late]);
      cut.abort();
    },
  };
}
