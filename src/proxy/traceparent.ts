import { randomUUID } from 'node:crypto';
import type { TraceStart } from '../config/schema.ts';
import type { Propagated } from '../telemetry/trace.ts';

/**
 * W3C Trace Context without an SDK: a trace passes as it came, and where the configuration says so, one is started for a
 * request that has none.
 */

const valid = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/** The id of the trace that a Traceparent names. Of a version beyond ours more may follow; repeated, it is invalid. */
export function traceIdOf(traceparent: string): string | undefined {
  const [, version, id, more] = valid.exec(traceparent) ?? [];
  return version === '00' && more !== undefined ? undefined : id;
}

/** What a new trace replaces: the state of an invalid one is nobody's. */
const fields: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** A new trace, sampled or not. */
export function startTrace(start: Exclude<TraceStart, 'off'>): { id: string; propagated: Propagated } {
  const id = hex();
  const flags = start === 'sampled' ? '01' : '00';
  return { id, propagated: { fields, list: ['traceparent', `00-${id}-${hex().slice(16)}-${flags}`] } };
}

/** 32 hexadecimal digits, most of them random. Random bytes would take ten times as long to come by: these come from a pool. */
const hex = (): string => randomUUID().replaceAll('-', '');
