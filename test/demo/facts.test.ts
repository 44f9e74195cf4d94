import t from 'tap';
import { factsV0 } from '../../src/demo/facts-v0.ts';
import { factsV1 } from '../../src/demo/facts-v1.ts';

const essence = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, ' ');

for (const [version, facts] of Object.entries({ v0: factsV0, v1: factsV1 })) {
  await t.test(`${version} has thirty facts or more, each a sentence with a source`, async (t) => {
    t.ok(facts.length >= 30, `${facts.length} facts`);
    for (const { fact, source } of facts) {
      t.match(fact, /^[“\p{Lu}].{20,200}[.”]$/u, fact);
      t.match(source, /^[“\p{Lu}].{5,}[^.]$/u, `source of: ${fact}`);
    }
  });
}

await t.test('no fact is told twice', async (t) => {
  const all = [...factsV0, ...factsV1].map(({ fact }) => essence(fact));
  t.equal(new Set(all).size, all.length);
});
