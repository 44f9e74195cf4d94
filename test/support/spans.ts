import { randomBytes } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { until } from './client.ts';

type Options = Omit<NonNullable<ConstructorParameters<typeof NodeTracerProvider>[0]>, 'spanProcessors'>;

/** The proxy's spans of one request. */
export type Spans = { request: ReadableSpan; decision: ReadableSpan; exchange: ReadableSpan };

/**
 * Registers a real SDK for this process, as a preloaded file does: before the proxy starts. Its collector is a list.
 */
export function keepSpans(options: Options = {}) {
  const exporter = new InMemorySpanExporter();
  const started = new Map<string, number>();
  const ended = new Map<string, number>();
  const counter = {
    onStart: (span: Told) => count(started, span),
    onEnd: (span: Told) => count(ended, span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const provider = new NodeTracerProvider({
    ...options,
    spanProcessors: [counter, new SimpleSpanProcessor(exporter)],
  });
  provider.register();
  const all = () => exporter.getFinishedSpans();
  const own = (traceId: string) =>
    all().filter(
      (span) => span.spanContext().traceId === traceId && span.instrumentationScope.name === 'trenchcoat',
    );
  return {
    provider,
    all,
    reset: () => exporter.reset(),
    /** The proxy's spans of a trace, once the request has ended. A span that it lacks is undefined. */
    async of(traceId: string): Promise<Spans> {
      const kind = (wanted: SpanKind) => own(traceId).find((span) => span.kind === wanted);
      await until(() => kind(SpanKind.SERVER), `the spans of ${traceId}`);
      return {
        request: kind(SpanKind.SERVER),
        decision: kind(SpanKind.INTERNAL),
        exchange: kind(SpanKind.CLIENT),
      } as Spans;
    },
    /** How many spans began, and whether each has ended, once. */
    balance: () => ({
      started: started.size,
      once: [...started.keys()].every((id) => started.get(id) === 1 && ended.get(id) === 1),
    }),
  };
}

type Told = { spanContext(): { spanId: string } };

function count(counts: Map<string, number>, span: Told): void {
  const { spanId } = span.spanContext();
  counts.set(spanId, (counts.get(spanId) ?? 0) + 1);
}

/** A trace that a client has begun, sampled. */
export function newTrace(flags = '01') {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}
