import { readFileSync } from 'node:fs';
import t from 'tap';
import { packageFile } from '../../src/package.ts';
import { behaviours } from './list.ts';

const rows = readFileSync(packageFile('ARCHITECTURE.md'), 'utf8')
  .split('\n')
  .flatMap((line) => /^\| (\d+) +\| (.+?) +\|$/.exec(line)?.slice(1) ?? [])
  .flatMap((text, i, all) => (i % 2 === 0 ? [{ number: Number(text), name: all[i + 1] }] : []));

await t.test('Every behaviour of the wire contract is on the list, by name, and no other', async (t) => {
  t.equal(rows.length, 69, 'the contract has 69');
  t.same(
    behaviours.map(({ number, name }) => ({ number, name })),
    rows,
  );
});

await t.test('Each is shown, or has a reason why there is nothing to show', async (t) => {
  for (const { number, http1, http2 } of behaviours) {
    t.type(http1, 'function', `${number} with HTTP/1.1`);
    // A reason is a sentence.
    t.ok(typeof http2 === 'function' || /^[A-Z].{30,}\.$/.test(http2), `${number} with HTTP/2`);
  }
});
