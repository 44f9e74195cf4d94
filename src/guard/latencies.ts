/** The latest latencies of one version, and what they say. Milliseconds. */
export type Latencies = {
  add(ms: number): void;
  /** The median and the 90th and 99th percentile; undefined while there are too few samples. */
  quantiles(): Quantiles | undefined;
  /** Forgets them. */
  clear(): void;
};

export type Quantiles = { p50: number; p90: number; p99: number };

const kept = 2000;
/** Samples after which the quantiles are found anew: to sort is the dearest thing the guard does. */
const fresh = 200;

/** `needed`: samples without which nothing is said. */
export function trailingLatencies(needed: number): Latencies {
  const samples = new Float64Array(kept);
  let count = 0;
  let found: { at: number; quantiles: Quantiles } | undefined;
  return {
    add(ms) {
      samples[count % kept] = ms;
      count += 1;
    },
    quantiles() {
      if (count < needed) return undefined;
      if (found !== undefined && count < found.at + fresh) return found.quantiles;
      const sorted = samples.subarray(0, Math.min(count, kept)).toSorted();
      const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
      found = { at: count, quantiles: { p50: at(0.5), p90: at(0.9), p99: at(0.99) } };
      return found.quantiles;
    },
    clear() {
      count = 0;
      found = undefined;
    },
  };
}
