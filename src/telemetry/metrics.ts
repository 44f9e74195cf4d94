import { AggregatorRegistry, collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { Family, MetricSources, Sample } from './family.ts';
import { families } from './metric-families.ts';
import { durationBounds } from './tally.ts';

/** The proxy's figures, in Prometheus' text format. */
export type Metrics = { contentType: string; text(): Promise<string> };

/** What prom-client tells of Node that Prometheus' own check refuses for its name, or prom-client no longer wants. */
const misnamed = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** A process' own figures, as they travel from one process to another. */
export type MetricObjects = object[];

export const figuresOfProcess = (): Promise<MetricObjects> => ofProcess().getMetricsAsJSON();

/** `others` are the figures of further processes, which are the same proxy. */
export function createMetrics(
  sources: MetricSources,
  others: () => Promise<readonly MetricObjects[]> = async () => [],
): Metrics {
  const registry = new Registry();
  // What prom-client tells of CPU time begins when it first looks.
  const process = ofProcess();
  for (const family of families) registry.registerMetric(asMetric(family, sources));
  return {
    contentType: registry.contentType,
    async text() {
      const further = await others();
      const own = further.length === 0 ? [] : [await figuresOfProcess(), ...further];
      const processes = own.length === 0 ? process : AggregatorRegistry.aggregate(own);
      return `${await registry.metrics()}\n${await processes.metrics()}`;
    },
  };
}

let kept: Registry | undefined;

/** The process' own, of which there are some once for all: what watches the event loop and the garbage collector never ends. */
function ofProcess(): Registry {
  if (kept !== undefined) return kept;
  kept = new Registry();
  collectDefaultMetrics({ register: kept });
  for (const name of misnamed) kept.removeSingleMetric(name);
  return kept;
}

/**
 * A registry asks each of its metrics for what it has. Ours are counted elsewhere, as plain numbers: prom-client's own would
 * look its labels up, and hash them, for each request.
 */
function asMetric(family: Family, sources: MetricSources): Metric {
  const { name, help, type, labels } = family;
  return {
    name,
    get: async () => ({
      name,
      help,
      type,
      aggregator: 'sum',
      labelNames: labels,
      values: [...family.samples(sources)].flatMap((sample) => valuesOf(name, sample)),
    }),
  } as unknown as Metric;
}

function valuesOf(name: string, { labels, value, buckets }: Sample) {
  if (buckets === undefined) return [{ labels, value }];
  let below = 0;
  const cumulative = Array.from(buckets, (count, index) => {
    below += count;
    const le = String(durationBounds[index] ?? '+Inf');
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
  });
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value },
    { metricName: `${name}_count`, labels, value: below },
  ];
}
