/**
 * Evidence that events come more often on treatment than is tolerated, as an e-process: a number that may be looked at
 * at any moment, and that reaches 1/α with a chance of at most α when treatment is no worse (Ville's inequality).
 *
 * Of `m` events in a tick, each falls on treatment with a probability that the exposure alone gives, when both sides
 * have the same rate: so the rate itself, which changes with the hour, drops out. After Lindon & Malek, "Anytime-Valid
 * Inference for Multinomial Count Data", NeurIPS 2022 (arXiv 2011.03567).
 */

/** One tick: units at risk on control and on treatment, events in all, and those of them on treatment. */
export type Exposure = { n0: number; n1: number; m: number; x: number };

/** How far the evidence has come. Changed in place by `observe` and `startAnother`. */
export type Evidence = {
  /** The ratio of rates that is tolerated. */
  readonly tolerated: number;
  /** The ratios of rates that are held against it, all above. */
  readonly ratios: readonly number[];
  /** For each ratio, the log likelihood ratio since the beginning. */
  readonly sums: Float64Array;
  /** For each ratio, ln Σ_j w_j exp(−sum when the j-th test started). */
  readonly starts: Float64Array;
  /** Tests started so far. */
  tests: number;
};

/** The share of a whole that the j-th part gets, of infinitely many parts: their sum is 1. */
export const part = (j: number): number => 6 / (Math.PI ** 2 * j ** 2);

/** Evidence before the first tick, with its first test started. */
export function noEvidence(tolerated: number, ratios: readonly number[]): Evidence {
  const { length } = ratios;
  const starts = new Float64Array(length).fill(Math.log(part(1)));
  return { tolerated, ratios, sums: new Float64Array(length), starts, tests: 1 };
}

/** Takes one tick into account. One in which a side was not exposed says nothing. */
export function observe({ tolerated, ratios, sums }: Evidence, { n0, n1, m, x }: Exposure): void {
  if (m === 0 || n0 <= 0 || n1 <= 0) return;
  const share = n1 / (n0 + n1);
  const expected = onTreatment(share, tolerated);
  for (const [k, ratio] of ratios.entries()) {
    const held = onTreatment(share, ratio);
    const ratioLog = x * Math.log(held / expected) + (m - x) * Math.log((1 - held) / (1 - expected));
    sums[k] = (sums[k] ?? 0) + ratioLog;
  }
}

/** The chance that an event is treatment's, which has this share of the exposure and this many times the rate. */
const onTreatment = (share: number, ratio: number): number => (share * ratio) / (1 - share + share * ratio);

/**
 * Starts a test beside those under way, so that a long time without fault does not drown what comes after it. The tests
 * are one mixture, the j-th with weight 6/(π² j²).
 */
export function startAnother(evidence: Evidence): void {
  evidence.tests += 1;
  const weight = Math.log(part(evidence.tests));
  const { starts, sums } = evidence;
  for (const [k, start] of starts.entries()) starts[k] = logSum(start, weight - (sums[k] ?? 0));
}

/** The natural logarithm of the evidence. In logarithms throughout: the number itself overflows within hours. */
export function logEvidence({ sums, starts }: Evidence): number {
  let total = -Infinity;
  for (const [k, sum] of sums.entries()) total = logSum(total, (starts[k] ?? 0) + sum);
  return total - Math.log(sums.length);
}

/** The logarithm of the mean of several pieces of evidence, which is evidence again. */
export const logMean = (logs: readonly number[]): number =>
  logs.reduce((total, log) => logSum(total, log), -Infinity) - Math.log(logs.length);

/** ln(eᵃ + eᵇ). */
function logSum(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high));
}
