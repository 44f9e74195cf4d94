import t from 'tap';
import { openFlags } from '../../src/flags/source.ts';
import { packageFile } from '../../src/package.ts';

const file = packageFile('config/demo-flags.yaml');
const silent = { debug() {}, info() {}, warn() {}, error() {} };

await t.test('the flag of the demo splits a hundred visitors in two halves, near enough', async (t) => {
  const flags = await openFlags({ source: 'local', file }, silent);
  t.teardown(() => flags.close(1000));
  const counts = [0, 0];
  for (let number = 1; number <= 100; number += 1) {
    const { value, reason } = await flags.evaluate(
      'raccoon_facts_api',
      { kind: 'user', key: `visitor-${number}` },
      'fallback',
    );
    t.equal(reason.kind, 'FALLTHROUGH');
    counts[Number(value)] = (counts[Number(value)] ?? 0) + 1;
  }
  t.same(counts, [52, 48]);
});
