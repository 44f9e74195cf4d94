import type { Load } from '../load.ts';

/** Sums up what a client saw: the milliseconds of each request, in so many seconds. */
export function seen(latencies: number[], seconds: number, bytes: number): Load {
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    requests: sorted.length,
    perSecond: sorted.length / seconds,
    megabytes: bytes / 1e6 / seconds,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
  };
}
