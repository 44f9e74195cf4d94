import t from 'tap';
import { fuzz } from './fuzz.ts';

// Any bytes from a client, any bytes from an upstream: each sees of the other what was meant, or nothing.
await t.test('no bytes confuse the proxy', async (t) => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env['FUZZ_RUNS'] ?? 2000);
  t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`);
  const failure = await fuzz(t, { seed, runs });
  t.equal(failure, undefined, failure ?? 'every case ended as it should');
});
