/** Counts of values by size. */
export type Histogram = {
  /** Upper bounds of the buckets, rising; what is above the last has a bucket of its own behind them. */
  readonly bounds: readonly number[];
  /** One more than `bounds`. Not cumulative. */
  readonly counts: Float64Array;
  sum: number;
};

export const createHistogram = (bounds: readonly number[]): Histogram => ({
  bounds,
  counts: new Float64Array(bounds.length + 1),
  sum: 0,
});

/** A value on a bound belongs below it, as Prometheus has it. */
export function count(histogram: Histogram, value: number): void {
  const { bounds, counts } = histogram;
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (bounds[middle] as number)) high = middle;
    else low = middle + 1;
  }
  counts[low] = (counts[low] as number) + 1;
  histogram.sum += value;
}

/** Both with the same bounds. */
export function addHistogram(to: Histogram, from: Histogram): void {
  for (const [index, value] of from.counts.entries()) to.counts[index] = (to.counts[index] as number) + value;
  to.sum += from.sum;
}

export const countOf = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);

/**
 * The value below which a share of all lies, 0 to 1, found within its bucket as if all in it were evenly spread; undefined of
 * nothing. Above the last bound nothing is known but the bound.
 */
export function quantile(bounds: readonly number[], counts: Float64Array, share: number): number | undefined {
  const all = countOf(counts);
  if (all === 0) return undefined;
  // As a number of values, without the dust of the multiplication.
  let left = all * share - 1e-9;
  for (const [index, held] of counts.entries()) {
    if (left > held || held === 0) {
      left -= held;
      continue;
    }
    const [from, to] = [bounds[index - 1] ?? 0, bounds[index]];
    return to === undefined ? from : from + (to - from) * (left / held);
  }
  return bounds.at(-1);
}

/** Steps between two bounds, each by the same factor, so that a quantile can be told to a few percent. */
export const finely = (bounds: readonly number[], steps: number): number[] =>
  bounds.flatMap((to, index) => {
    const from = bounds[index - 1] ?? to / 2.5;
    return Array.from({ length: steps }, (_, i) =>
      i === steps - 1 ? to : from * (to / from) ** ((i + 1) / steps),
    );
  });
