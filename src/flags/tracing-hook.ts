import { TracingHook, type TracingHookOptions } from '@launchdarkly/node-server-sdk-otel';

/**
 * LaunchDarkly's hook, which adds an event to the active span at each evaluation. The event always holds the key of who
 * asks, which LaunchDarkly needs to make metrics of traces: the hook cannot be told to leave it out. The value it can.
 */
export const tracingHook = (logger: NonNullable<TracingHookOptions['logger']>): TracingHook =>
  new TracingHook({ logger, includeValue: false, spans: false });
