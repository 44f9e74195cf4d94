import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  context,
  isSpanContextValid,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type ProxyTracerProvider,
  type Span,
  type TextMapGetter,
  type TextMapSetter,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { version } from '../package.ts';
import {
  answerAttributes,
  decisionAttributes,
  exchangeAttributes,
  methodName,
  outcomeAttributes,
  requestAttributes,
  type ExchangeEnd,
  type RequestEnd,
  type RequestHead,
  type Told,
} from './semantic-conventions.ts';

/** Header fields that carry a trace: `fields`, in lower case, are to be left out, and `list` to take their place. */
export type Propagated = { fields: ReadonlySet<string>; list: string[] };

/**
 * The spans of one request. Each step may be left out; `ended` ends what is open. Nothing here throws, whatever the
 * user's processors, exporters and propagators do.
 */
export type Trace = {
  /** 32 hexadecimal digits; undefined when the SDK traces nothing now. */
  readonly id: string | undefined;
  /** Begins the span of the decision; what it gives is `evaluate` with that span active. */
  deciding<A extends unknown[], R>(flag: string, evaluate: (...args: A) => R): (...args: A) => R;
  decided(decision: { reason: string; version: string | undefined }): void;
  /** Begins the span of the exchange; `path` has no query. Undefined when the request's own fields are to pass. */
  forwarding(method: string, upstream: URL, path: string): Propagated | undefined;
  ended(request: RequestEnd, exchange: ExchangeEnd | undefined): void;
};

export type Tracing = {
  /** `startedAt` is of `performance.now()`. Undefined when the SDK failed. */
  begin(head: RequestHead, headers: IncomingHttpHeaders, startedAt: number): Trace | undefined;
  /** Has the SDK send what it has, within `deadline` milliseconds. */
  flush(deadline: number): Promise<void>;
};

export type TracingParts = {
  /** Who evaluates flags, in the convention's words. */
  provider: string;
  /** Whether a percentage of the flag divides those whom nothing else chooses for. */
  divides: (flag: string) => boolean;
  /** Told of the first fault of the user's SDK. */
  onFault: (error: unknown) => void;
};

/**
 * Spans, for a user who has loaded an OpenTelemetry SDK before the program; undefined for everybody else. The API's
 * provider is always a proxy, and has somebody to delegate to once an SDK has registered.
 */
export function createTracing(parts: TracingParts): Tracing | undefined {
  const provider: TracerProvider & Partial<ProxyTracerProvider> = trace.getTracerProvider();
  let faulty = false;
  const guarded: Guarded = (step) => {
    try {
      return step();
    } catch (error) {
      if (!faulty) parts.onFault(error);
      faulty = true;
      return undefined;
    }
  };
  const tracer = guarded(() =>
    provider.getDelegateTracer === undefined
      ? provider.getTracer('trenchcoat', version)
      : provider.getDelegateTracer('trenchcoat', version),
  );
  if (tracer === undefined) return undefined;
  const named = guarded(() => propagation.fields().map((field) => field.toLowerCase()));
  const means: Means = { ...parts, tracer, guarded, fields: new Set(named) };
  return {
    begin: (head, headers, startedAt) => guarded(() => beginTrace(means, head, headers, startedAt)),
    async flush(deadline) {
      const sdk: TracerProvider & { forceFlush?(): Promise<void> } = provider.getDelegate?.() ?? provider;
      const late = new AbortController();
      const given = delay(deadline, undefined, { signal: late.signal }).catch(() => {});
      await Promise.race([guarded(() => sdk.forceFlush?.()), given]).catch((error: unknown) =>
        // It gathers errors in a list.
        parts.onFault([error].flat()[0]),
      );
      late.abort();
    },
  };
}

/** Gives undefined for a step that threw. */
type Guarded = <T>(step: () => T) => T | undefined;

type Means = Omit<TracingParts, 'onFault'> & {
  tracer: Tracer;
  guarded: Guarded;
  /** What the propagator writes. */
  fields: ReadonlySet<string>;
};

function beginTrace(
  { tracer, guarded, fields, provider, divides }: Means,
  head: RequestHead,
  headers: IncomingHttpHeaders,
  startedAt: number,
): Trace {
  const active = context.active();
  // An instrumentation of the user's has read the headers before us.
  const parent =
    trace.getSpan(active) === undefined ? propagation.extract(active, headers, headerGetter) : active;
  const request = tracer.startSpan(
    methodName(head.method),
    { kind: SpanKind.SERVER, startTime: startedAt, attributes: requestAttributes(head) },
    parent,
  );
  const withRequest = trace.setSpan(parent, request);
  let decision: { span: Span; flag: string } | undefined;
  let exchange: { span: Span; startedAt: number } | undefined;

  const end = (span: Span, tell: () => Told, at = performance.now()) =>
    guarded(() => {
      // One that is not sampled need not be told.
      if (span.isRecording()) {
        const { attributes, failed } = tell();
        span.setAttributes(attributes);
        if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end(at);
    });

  return {
    id: isSpanContextValid(request.spanContext()) ? request.spanContext().traceId : undefined,
    deciding(flag, evaluate) {
      const within = guarded(() => {
        const attributes = { 'feature_flag.key': flag, 'feature_flag.provider.name': provider };
        decision = { span: tracer.startSpan(`decide ${flag}`, { attributes }, withRequest), flag };
        return trace.setSpan(withRequest, decision.span);
      });
      if (within === undefined) return evaluate;
      return (...args) =>
        guarded(() => context.with(within, evaluate, undefined, ...args)) ?? evaluate(...args);
    },
    decided({ reason, version }) {
      if (decision === undefined) return;
      const { span, flag } = decision;
      decision = undefined;
      end(span, () => decisionAttributes(reason, version, divides(flag)));
    },
    forwarding(method, upstream, path) {
      return guarded(() => {
        const startedAt = performance.now();
        const attributes = exchangeAttributes(method, upstream, path);
        const span = tracer.startSpan(
          methodName(method),
          { kind: SpanKind.CLIENT, startTime: startedAt, attributes },
          withRequest,
        );
        exchange = { span, startedAt };
        const list: string[] = [];
        propagation.inject(trace.setSpan(withRequest, span), list, headerSetter);
        return list.length === 0 ? undefined : { fields, list };
      });
    },
    ended(how, answer) {
      const { outcome, httpRoute } = how;
      if (decision !== undefined) end(decision.span, () => ({ attributes: {}, failed: true }));
      if (exchange !== undefined) {
        const at = answer?.elapsed === undefined ? undefined : exchange.startedAt + answer.elapsed;
        end(exchange.span, () => answerAttributes(answer, outcome.error), at);
      }
      if (httpRoute !== undefined)
        guarded(() => request.updateName(`${methodName(head.method)} ${httpRoute}`));
      end(request, () => outcomeAttributes(how));
    },
  };
}

/** Names of a request's headers are in lower case. */
const headerGetter: TextMapGetter<IncomingHttpHeaders> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => headers[name.toLowerCase()],
};

/** Takes what can stand in a head: a propagator may hand on what a client has sent it in code. */
const headerSetter: TextMapSetter<string[]> = {
  set(list, name, value) {
    if (typeof value !== 'string') return;
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) list.push(name, value);
  },
};
