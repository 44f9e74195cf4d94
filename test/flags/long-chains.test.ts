import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readFlagFile } from '../../src/flags/flag-file.ts';

const clause = (values: string[]) => ({ rules: [{ clauses: [{ op: 'segmentMatch', values }] }] });
const flag = (keys: string[]) => ({
  on: false,
  variations: [1],
  prerequisites: keys.map((key) => ({ key, variation: 0 })),
});

const key = (n: number) => `k${n}`;

/** The entries said to refer to themselves. Each is `key: what it refers to`. */
async function circular(t: Test, edges: Record<string, string[]>, section: 'flags' | 'segments') {
  const entry = section === 'flags' ? flag : clause;
  const entries = Object.fromEntries(Object.entries(edges).map(([key, to]) => [key, entry(to)]));
  const file = join(t.testdir(), 'flags.json');
  writeFileSync(file, JSON.stringify({ flagValues: {}, [section]: entries }));
  const { problems } = await readFlagFile(file);
  t.ok(problems.every(({ message }) => message.includes('refers to itself')));
  return problems.map(({ path }) => path.split('.')[1]);
}

await t.test('a chain of thousands is read in the time that others take', async (t) => {
  const length = 5000;
  const chain = Object.fromEntries(
    Array.from({ length }, (_, n) => [key(n), n + 1 < length ? [key(n + 1)] : []]),
  );
  const ring = { ...chain, [key(length - 1)]: [key(0)] };
  const unlinked = Object.fromEntries(Object.keys(chain).map((name) => [name, [key(0)]]));
  for (const section of ['flags', 'segments'] as const) {
    let started = performance.now();
    t.same(await circular(t, unlinked, section), [key(0)]);
    const usual = performance.now() - started;
    for (const [edges, found] of [
      [chain, 0],
      [ring, length],
    ] as const) {
      started = performance.now();
      t.equal((await circular(t, edges, section)).length, found);
      const took = performance.now() - started;
      t.ok(took < usual * 5 + 1000, `${section}: ${took} ms, others ${usual} ms`);
    }
  }
});

await t.test('every member of a circle is named, and nobody else', async (t) => {
  for (const section of ['flags', 'segments'] as const) {
    const found = await circular(
      t,
      {
        before: ['a', 'alone'],
        a: ['b', 'c', 'after'],
        b: ['a'],
        c: ['b'], // in a circle by way of b alone, which is known by then
        after: ['end', 'x'],
        end: [],
        alone: ['alone', 'end'],
        x: ['y'],
        y: ['z'],
        z: ['x', 'end'],
        twice: ['end', 'end'],
      },
      section,
    );
    t.same(new Set(found), new Set(['a', 'alone', 'b', 'c', 'x', 'y', 'z']), section);
  }
});
