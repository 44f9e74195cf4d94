import { randomUUID } from 'node:crypto';
import t from 'tap';
import { hashUnit, unitSets, type UnitHash, type UnitSet } from '../../src/guard/unit-set.ts';

const hashed = (key: string, seed = 1): UnitHash => {
  const into = { a: 0, b: 0 };
  hashUnit(key, seed, into);
  return into;
};

/** One set alone in so many bits. */
const unitSet = (bits: number): UnitSet & { clear(): void } => {
  const all = unitSets(bits, 1);
  return { ...(all.sets[0] as UnitSet), clear: () => all.clear() };
};

const numbered = (count: number, key: (number: number) => string) =>
  Array.from({ length: count }, (_, index) => key(index + 1));

/** Keys as they are, of which many differ in little. */
const crowds: Record<string, string[]> = {
  'user-1 to user-100000': numbered(100_000, (n) => `user-${n}`),
  'numbers alone': numbered(100_000, String),
  UUIDs: numbered(100_000, () => randomUUID()),
  'e-mail addresses': numbered(100_000, (n) => `firstname.lastname+${n}@example.com`),
  'keys that differ in their first character': numbered(50_000, (n) => `${String.fromCharCode(n)}-visitor`),
};

await t.test('whoever was put in is in', async (t) => {
  const set = unitSet(2 ** 16);
  const keys = numbered(100_000, (n) => `user-${n}`);
  const missing = keys.filter((key) => {
    set.add(hashed(key));
    return !set.has(hashed(key));
  });
  t.equal(missing.length, 0, 'as they come');
  t.equal(keys.filter((key) => !set.has(hashed(key))).length, 0, 'and after all, in a set far too small');
  t.equal(keys.filter((key) => set.add(hashed(key))).length, 0, 'and is never new again');
});

for (const [name, keys] of Object.entries(crowds))
  await t.test(
    `with eight bits a user, two or three in a hundred are taken for another: ${name}`,
    async (t) => {
      const set = unitSet(2 ** 18);
      const inside = keys.slice(0, 2 ** 15);
      for (const key of inside) set.add(hashed(key));
      const others = keys.slice(2 ** 15);
      const taken = others.filter((key) => set.has(hashed(key))).length / others.length;
      // (1 − e^(−4/8))⁴ = 0.024, for ideal hashes.
      t.ok(taken > 0.018 && taken < 0.03, `${taken}`);
    },
  );

await t.test('as the guard has it, a million users an hour are hardly ever taken for another', async (t) => {
  const set = unitSet(2 ** 22);
  let met = 0;
  for (let n = 0; n < 170_000; n += 1) if (!set.add(hashed(`user-${n}`))) met += 1;
  t.ok(met / 170_000 < 0.0005, `${met} while they came`);
  const strangers = numbered(100_000, (n) => `stranger-${n}`).filter((key) => set.has(hashed(key))).length;
  t.ok(strangers < 100, `${strangers} of 100,000 strangers`);
});

await t.test('a set that is cleared knows nobody', async (t) => {
  const set = unitSet(2 ** 14);
  const keys = numbered(1000, (n) => `user-${n}`);
  for (const key of keys) set.add(hashed(key));
  set.clear();
  t.equal(keys.filter((key) => set.has(hashed(key))).length, 0);
  t.equal(set.add(hashed('user-1')), true);
});

await t.test('both numbers of a hash are spread evenly, in each of their ends', async (t) => {
  for (const [name, keys] of Object.entries(crowds))
    for (const part of [
      ({ a }: UnitHash) => a & 255,
      ({ a }: UnitHash) => a >>> 24,
      // The lowest bit is always set.
      ({ b }: UnitHash) => (b >>> 1) & 255,
      ({ b }: UnitHash) => b >>> 24,
      ({ a, b }: UnitHash) => (a ^ (b >>> 1)) & 255,
    ]) {
      const counts = Array.from({ length: 256 }, () => 0);
      for (const key of keys) {
        const bin = part(hashed(key, 12_345));
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      const expected = keys.length / 256;
      const square = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // χ² of 255 degrees of freedom is above 377 one time in a million.
      t.ok(square < 377, `${name}: χ² ${square.toFixed(0)}`);
    }
});

await t.test('who is taken for whom depends on the seed', async (t) => {
  const keys = crowds['UUIDs'] ?? [];
  const met = (seed: number) => {
    const set = unitSet(2 ** 14);
    return keys.slice(0, 4000).filter((key) => !set.add(hashed(key, seed)));
  };
  const [one, other] = [met(1), met(2)];
  t.ok(one.length > 20 && other.length > 20, 'a small set takes some for others');
  const both = one.filter((key) => other.includes(key)).length;
  t.ok(both < one.length / 4, `${both} of ${one.length} with both seeds`);
});
