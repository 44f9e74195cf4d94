import t from 'tap';
import { bucketOf } from '../../src/flags/bucket.ts';

// The vectors that LaunchDarkly's SDKs are tested with.
for (const [prefix, key, bucket] of [
  ['hashKey.saltyA', 'userKeyA', 0.42157587],
  ['hashKey.saltyA', 'userKeyB', 0.6708485],
  ['hashKey.saltyA', 'userKeyC', 0.10343106],
  ['61', 'userKeyA', 0.09801207],
  ['61', 'userKeyB', 0.14483777],
  ['61', 'userKeyC', 0.9242641],
] as const)
  t.equal(Math.abs(bucketOf(prefix, key) - bucket) < 1e-7, true, `${prefix} ${key}`);
