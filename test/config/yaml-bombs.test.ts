import t from 'tap';
import { problemsOf } from '../support/config.ts';

const times = (text: string, count: number) => text.repeat(count);
const laughs = (open: string, close: string) =>
  Array.from({ length: 9 }, (_, level) => {
    const items = level === 0 ? times('ha,', 9) : times(`*l${level - 1},`, 9);
    return `k${level}: &l${level} ${open}${items}${close}\n`;
  }).join('');
const keyed = Array.from({ length: 9 }, (_, level) => {
  const keys = Array.from({ length: 9 }, (_, key) => `k${key}: ${level === 0 ? 'ha' : `*l${level - 1}`}`);
  return `k${level}: &l${level} { ${keys.join(', ')} }\n`;
}).join('');

const deep = 'nested deeper than 64 levels';
const tooMany = 'the file holds too many values';
const bombs: Record<string, [string, string]> = {
  'a billion laughs in lists': [laughs('[', ']'), 'more than 100000 values once aliases are written out'],
  'a billion laughs in maps': [keyed, 'more than 100000 values once aliases are written out'],
  'open brackets': [times('[', 500_000), deep],
  'closed brackets': [times('[', 400_000) + times(']', 400_000), deep],
  'open braces': [times('{a: ', 200_000), deep],
  'both in turn': [times('[{a: ', 150_000), deep],
  dashes: [times('- ', 400_000), deep],
  'question marks': [times('? ', 400_000), deep],
  'ever further in': [Array.from({ length: 1000 }, (_, depth) => `${times(' ', depth)}a:\n`).join(''), deep],
  'dashes ever further in': [
    Array.from({ length: 1000 }, (_, depth) => `${times(' ', depth)}-\n`).join(''),
    deep,
  ],
  'depth by aliases': [
    `a0: &a0 []\n${Array.from({ length: 200 }, (_, level) => `a${level + 1}: &a${level + 1} [*a${level}]\n`).join('')}`,
    deep,
  ],
  'many keys': [Array.from({ length: 90_000 }, (_, key) => `k${key}: 1\n`).join(''), tooMany],
  commas: [`[${times(',', 900_000)}`, tooMany],
  colons: [times(':\n', 400_000), tooMany],
  aliases: [`a: &a 1\nb: [${times('*a,', 300_000)}]`, tooMany],
  stars: [times('*a ', 300_000), tooMany],
  'too large a file': [times('# a comment\n', 100_000), 'the file is larger than 1 MiB'],
};

for (const [name, [yaml, message]] of Object.entries(bombs))
  await t.test(name, async (t) => {
    const began = performance.now();
    const problems = await problemsOf(yaml);
    t.match(problems.join('\n'), message);
    t.ok(performance.now() - began < 10_000, 'told in a moment');
  });

await t.test('large and harmless', async (t) => {
  for (const yaml of [
    `a: "${times('\\n', 400_000)}"`,
    `a: |\n${times(' x\n', 250_000)}`,
    `a: b${times('\n  b', 200_000)}`,
  ])
    t.match((await problemsOf(yaml)).join('\n'), 'a: unknown key');
});
