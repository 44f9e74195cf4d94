import { z } from 'zod';
import { httpUrl, proxyUrl, redisUrl, secretText, text, timeout } from './scalars.ts';

const path = text('a path').describe('Relative paths start at the folder of this file.');

/** Where flags come from. */
export const flags = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('local').describe('Flags from a file, or none.'),
    file: path
      .optional()
      .describe('LaunchDarkly flag data, JSON or YAML: `flags`, `flagValues`, `segments`. Watched.'),
  }),
  z.strictObject({
    source: z.literal('launchdarkly').describe('Flags from LaunchDarkly, by its SDK.'),
    sdkKey: secretText
      .regex(/^[\x21-\x7e]+$/, 'a key of visible ASCII characters')
      .describe('Server-side SDK key of the environment.'),
    relay: httpUrl.optional().describe('A LaunchDarkly Relay Proxy, in place of `uris`.'),
    uris: z
      .strictObject({
        base: httpUrl.describe('Where polling and metadata requests go.'),
        stream: httpUrl.describe('Where flags are streamed from.'),
        events: httpUrl.describe('Where events are sent.'),
      })
      .optional()
      .describe('Service addresses of another LaunchDarkly instance, such as the EU one.'),
    proxy: proxyUrl.optional().describe('Outbound HTTP proxy; its address may hold `USER:PASSWORD@`.'),
    initTimeout: timeout
      .prefault('5s')
      .describe('How long the start waits for flags. After it, defaults are served until they come.'),
    events: z.boolean().prefault(true).describe('Send evaluation events to LaunchDarkly.'),
    metricSampling: z
      .number()
      .min(0)
      .max(1)
      .prefault(1)
      .describe(
        'Share of requests whose latency and errors are sent as `trenchcoat.latency_ms` and `trenchcoat.error`. Above 1,000 requests a second lower it: more events than that are dropped.',
      ),
    store: redisUrl
      .optional()
      .describe(
        'Redis that keeps a copy of the flags, for a start while LaunchDarkly is away; `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`.',
      ),
    daemon: z
      .boolean()
      .prefault(false)
      .describe(
        'Take flags from the store alone, which a Relay Proxy or another SDK keeps fresh; looked at each second. `relay` and `uris` are then for events alone.',
      ),
    tracingHook: z
      .boolean()
      .prefault(false)
      .describe(
        "With an OpenTelemetry SDK: LaunchDarkly's own event on the trace of each decision. It holds the key of who asks, which LaunchDarkly makes metrics of.",
      ),
  }),
]);
