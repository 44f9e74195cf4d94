import { createHash } from 'node:crypto';

/**
 * Where a context falls on the line from 0 to 1 that LaunchDarkly cuts into variations.
 *
 * `prefix` is `FLAGKEY.SALT`, or the rollout's seed when it has one; `value` is the context's key, or the
 * attribute the rollout buckets by. Reproduces the server SDKs exactly: the first 15 hexadecimal digits of
 * SHA-1 over `prefix.value`, divided by the largest number they can spell, which
 * as a double is 2^60.
 */
export function bucketOf(prefix: string, value: string): number {
  const digest = createHash('sha1').update(`${prefix}.${value}`).digest('hex');
  return Number.parseInt(digest.slice(0, 15), 16) / 2 ** 60;
}
