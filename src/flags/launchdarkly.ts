import {
  init,
  type LDClient,
  type LDContext,
  type LDEvaluationDetail,
  type LDOptions,
} from '@launchdarkly/node-server-sdk';
import { TestData } from '@launchdarkly/node-server-sdk/integrations';
import { UserError } from '../config/errors.ts';
import type { FlagsConfig } from '../config/schema.ts';
import type { EvaluationContext } from '../identity/context.ts';
import { sdkAgent } from './agent.ts';
import { eventPump } from './event-pump.ts';
import { flagStore, type FlagStore } from './flag-store.ts';
import type {
  Evaluation,
  EvaluationReason,
  FlagData,
  FlagLog,
  FlagProvider,
  SourceState,
} from './provider.ts';
import type { Pace } from './stored-flags.ts';
import { sdkLogger } from './sdk-log.ts';
import { sourceHealth } from './source-health.ts';

type LaunchDarklyConfig = Extract<FlagsConfig, { source: 'launchdarkly' }>;
type Evaluator = Pick<FlagProvider, 'evaluate' | 'peek' | 'flagData'>;
type FlagSet = { flags: Record<string, unknown>; segments: Record<string, unknown> };
type Options = { random?: () => number; pace?: Pace; traced?: boolean };
type FeedArguments = Parameters<ReturnType<TestData['getFactory']>>;

const storePace: Pace = { deadline: 2000, pause: 1000 };

/**
 * Flags from LaunchDarkly, from its Relay Proxy, or with `daemon` from a store that one of them fills. Settles when
 * flags are there, when LaunchDarkly refused the SDK key, or after `initTimeout`, whichever comes first; from then
 * on it goes on by itself, and the last flags of the store, or the default, are served until flags come. `random`
 * chooses the requests that are reported, `pace` is the store's, `traced` says that a span is active where flags are
 * evaluated. Rejects with a UserError alone, for addresses that cannot go together.
 */
export async function openLaunchDarkly(
  config: LaunchDarklyConfig,
  log: FlagLog,
  { random = Math.random, pace = storePace, traced = false }: Options = {},
): Promise<FlagProvider> {
  if (!/^[\x21-\x7e]+$/.test(config.sdkKey))
    throw new UserError('flags.sdkKey holds a space, a line break or another character that no SDK key has');
  const { options, release } = connection(config);
  const source = await (config.daemon && config.store
    ? followed(config.store, config, pace, log)
    : streamed(config, pace, log));
  const logger = sdkLogger(log, source.hear, config.sdkKey);
  const hooks = traced && config.tracingHook ? [(await import('./tracing-hook.ts')).tracingHook(logger)] : [];
  const client = init(config.sdkKey, {
    ...options,
    useLdd: source.daemon,
    featureStore: source.memory,
    logger,
    hooks,
    sendEvents: config.events,
    diagnosticOptOut: !config.events,
    flushInterval: 86_400, // Flushed below, where a stop can wait for what is on its way.
  });
  // Asked the same of the same flags, and says nothing to anybody. `allFlagsState` is silent too, but one malformed flag among
  // all of them ends the process.
  const silent = config.events
    ? init(config.sdkKey, {
        useLdd: true,
        featureStore: source.memory,
        logger,
        sendEvents: false,
        diagnosticOptOut: true,
      })
    : client;
  const events = config.events ? eventPump((sent) => client.flush(sent), log) : undefined;

  // Errors of the connection come as `failed` too.
  client.on('error', (error: Error) => {
    if (error.name === 'LaunchDarklyClientError') logger.error(error.message);
  });
  await source.arrival(client);

  return {
    ...evaluatorOf(client, source.memory, silent, hooks.length > 0),
    ...(config.events && {
      report(context: EvaluationContext, failed: boolean, latencyMs: number | undefined): void {
        // Without flags nothing was evaluated.
        if (!source.memory.filled() || random() >= config.metricSampling) return;
        if (failed) client.track('trenchcoat.error', context as LDContext);
        if (latencyMs !== undefined)
          client.track('trenchcoat.latency_ms', context as LDContext, undefined, latencyMs);
      },
    }),
    state: () => source.state(),
    async close(deadline) {
      await events?.stop(deadline);
      silent.close();
      client.close();
      source.close();
      release();
    },
  };
}

/** Flags that LaunchDarkly streams to us, and a copy of them in the store, if there is one: only then is Redis' client loaded. */
async function streamed({ store, initTimeout }: LaunchDarklyConfig, pace: Pace, log: FlagLog) {
  const health = sourceHealth(log, initTimeout);
  const memory = flagStore({ ...health, changed: (...change) => copy?.changed(...change) });
  const parts = { memory, isLive: health.isLive, onLastKnown: () => health.lastKnown() };
  const copy = store && (await import('./write-through.ts')).writeThrough(store, parts, pace, log);
  return {
    daemon: false,
    memory,
    hear: health.hear,
    arrival: (client: LDClient) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          health.late();
          resolve();
        }, initTimeout);
        const arrived = () => {
          clearTimeout(timer);
          resolve();
        };
        client.once('ready', arrived);
        client.on('failed', (error: Error) => {
          if (health.failed(error)) arrived();
        });
      }),
    state(): SourceState {
      const state = health.state(memory.filled());
      const trouble = copy?.trouble();
      return trouble === undefined ? state : { ...state, detail: `${state.detail}; ${trouble}` };
    },
    close: () => copy?.close(),
  };
}

/** Flags that somebody else keeps fresh in the store. */
async function followed(store: URL, { initTimeout }: LaunchDarklyConfig, pace: Pace, log: FlagLog) {
  const memory = flagStore({ taken: noop, unreadable: noop });
  const { followStore } = await import('./daemon.ts');
  const { arrival, ...following } = followStore(store, memory, initTimeout, pace, log);
  return { ...following, daemon: true, memory, hear: () => false, arrival: () => arrival };
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

/** `silent` is a client over the same store that sends no events; hooks, where there are some, are done when the promise is kept. */
function evaluatorOf(client: LDClient, store: FlagStore, silent = client, hooked = false): Evaluator {
  const asking =
    (asked: LDClient): FlagProvider['evaluate'] =>
    (flagKey, context, fallback) => {
      // Asked before flags are there, the SDK would log each time; the state has said it once.
      if (!store.filled()) return failure('CLIENT_NOT_READY', fallback);
      // What is in memory is evaluated before the call returns, and only then promised.
      let told: LDEvaluationDetail | undefined;
      const promised = asked.variationDetail(flagKey, context as LDContext, fallback, (_error, detail) => {
        told = detail;
      });
      return told === undefined || hooked
        ? promised.then(evaluationOf, () => failure('EXCEPTION', fallback))
        : evaluationOf(told);
    };
  return {
    evaluate: asking(client),
    peek: asking(silent),
    flagData(flagKey) {
      const flag = store.read('features', flagKey);
      return isFlag(flag) ? flag : undefined;
    },
  };
}

const evaluationOf = ({ value, variationIndex, reason }: LDEvaluationDetail): Evaluation => ({
  value,
  variationIndex: variationIndex ?? undefined,
  reason: reason as EvaluationReason,
});

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
