import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readFlagFile } from '../../src/flags/flag-file.ts';
import { openFlags } from '../../src/flags/source.ts';
import { keptLog } from '../support/flags.ts';

const flag = (lines: string) => `flags:\n  api:\n    on: true\n    variations: [0, 1]\n${lines}`;
const messageOf = async (file: string) => (await readFlagFile(file)).problems.map(({ message }) => message);
const served = '    fallthrough: { variation: 0 }\n';

for (const [name, text, ...problems] of [
  ['nothing', '', '1:1 : the file is empty'],
  ['a comment alone', '# flags\n', '1:1 : the file is empty'],
  ['an empty map', '{}', '1:1 : found an empty map; expected `flags` or `flagValues`'],
  ['segments alone', 'segments: {}', 'expected `flags` or `flagValues`'],
  ['a list', '- 1', '1:1 : found a list; expected a map'],
  ['half a JSON file', '{"flags": {"api": {', 'not YAML'],
  ['a misspelt section', 'flag: {}\nflagValues: {}', '1:1 flag: unknown key; did you mean `flags`?'],
  [
    'the same key twice',
    'flagValues: { a: 1 }\nflagValues: { a: 2 }',
    '2:1 flagValues: the key "flagValues"',
  ],
  ['no `on`', 'flags:\n  api:\n    variations: [1]', '2:3 flags.api.on: missing; expected true or false'],
  [
    'no variations',
    'flags: { api: { on: false, variations: [] } }',
    'flags.api.variations: found an empty list; expected at least one variation',
  ],
  ['no fallthrough', flag(''), '3:5 flags.api: ', 'expected a `fallthrough`'],
  [
    'a fallthrough to nowhere',
    flag('    fallthrough: { variation: 2 }'),
    '5:31 flags.api.fallthrough.variation: the flag has variations 0 to 1, not 2',
  ],
  [
    'an index that is text',
    flag('    fallthrough: { variation: "0" }'),
    '5:31 flags.api.fallthrough.variation: found "0"; expected the index of a variation',
  ],
  [
    'a fallthrough both ways',
    flag('    fallthrough: { variation: 0, rollout: { variations: [{ variation: 0, weight: 100000 }] } }'),
    'either `variation` or `rollout`',
  ],
  [
    'an off variation to nowhere',
    flag(`${served}    offVariation: 9`),
    '6:19 flags.api.offVariation: the flag has variations 0 to 1, not 9',
  ],
  [
    'weights that are too little',
    flag(
      '    fallthrough: { rollout: { variations: [{ variation: 0, weight: 50 }, { variation: 1, weight: 50 }] } }',
    ),
    'flags.api.fallthrough.rollout.variations: found a list; expected weights that sum to 100000, not 100',
  ],
  [
    'half a thousandth',
    flag(
      '    fallthrough: { rollout: { variations: [{ variation: 0, weight: 99999.5 }, { variation: 1, weight: 0.5 }] } }',
    ),
    'thousandths of a percent',
  ],
  [
    'a negative weight',
    flag('    fallthrough: { rollout: { variations: [{ variation: 0, weight: -1 }] } }'),
    'thousandths of a percent, 0 to 100000',
  ],
  [
    'a rollout to nowhere',
    flag('    fallthrough: { rollout: { variations: [{ variation: 7, weight: 100000 }] } }'),
    'flags.api.fallthrough.rollout.variations[0].variation: the flag has variations 0 to 1, not 7',
  ],
  [
    'a rollout of nothing',
    flag('    fallthrough: { rollout: { variations: [] } }'),
    'at least one variation',
  ],
  [
    'a target to nowhere',
    flag(`${served}    targets: [{ variation: 3, values: [a] }]`),
    'flags.api.targets[0].variation: the flag has variations 0 to 1, not 3',
  ],
  [
    'a target that is a number',
    flag(`${served}    targets: [{ variation: 1, values: [7] }]`),
    'flags.api.targets[0].values[0]: found 7 (a number); expected a context key, as text: put it in quotes',
  ],
  [
    'a context target to nowhere',
    flag(`${served}    contextTargets: [{ contextKind: org, variation: 3, values: [a] }]`),
    'flags.api.contextTargets[0].variation',
  ],
  [
    'an unknown operator',
    flag(`${served}    rules: [{ variation: 1, clauses: [{ attribute: a, op: startWith, values: [a] }] }]`),
    'flags.api.rules[0].clauses[0].op: found "startWith"; expected one of in, startsWith',
    'did you mean `startsWith`?',
  ],
  [
    'a clause about nothing',
    flag(`${served}    rules: [{ variation: 1, clauses: [{ op: in, values: [a] }] }]`),
    'the operator in needs an `attribute`',
  ],
  [
    'a pattern that is none',
    flag(`${served}    rules: [{ variation: 1, clauses: [{ attribute: a, op: matches, values: ["("] }] }]`),
    'values[0]: found "("; expected a regular expression',
  ],
  [
    'a rule to nowhere',
    flag(`${served}    rules: [{ variation: 4, clauses: [] }]`),
    'flags.api.rules[0].variation: the flag has variations 0 to 1, not 4',
  ],
  [
    'a rule without an end',
    flag(`${served}    rules: [{ clauses: [] }]`),
    'flags.api.rules[0]: ',
    'either `variation` or `rollout`',
  ],
  [
    'a prerequisite that is not there',
    flag(`${served}    prerequisites: [{ key: other, variation: 0 }]`),
    '6:28 flags.api.prerequisites[0].key: there is no flag "other"',
  ],
  [
    'a prerequisite that cannot be met',
    flag(`${served}    prerequisites: [{ key: other, variation: 1 }]\nflagValues: { other: 1 }`),
    'flags.api.prerequisites[0].variation: other has variations 0 to 0, not 1',
  ],
  [
    'a circle of prerequisites',
    flag(`${served}    prerequisites: [{ key: api, variation: 0 }]`),
    '6:20 flags.api.prerequisites: api refers to itself',
  ],
  [
    'a segment that is not there',
    flag(`${served}    rules: [{ variation: 1, clauses: [{ op: segmentMatch, values: [testers] }] }]`),
    'values[0]: there is no segment "testers"',
  ],
  [
    'a circle of segments',
    'flagValues: {}\nsegments: { a: { rules: [{ clauses: [{ op: segmentMatch, values: [b] }] }] }, b: { rules: [{ clauses: [{ op: segmentMatch, values: [a] }] }] } }',
    'segments.a.rules: a refers to itself',
    'segments.b.rules: b refers to itself',
  ],
  [
    'a big segment',
    'flagValues: {}\nsegments: { a: { unbounded: true } }',
    'segments.a.unbounded: found true (a boolean); expected false: big segments are kept by LaunchDarkly alone',
  ],
  [
    'another key inside',
    'flags:\n  api: { key: ipa, on: false, variations: [1] }',
    '2:15 flags.api.key: found "ipa"; write api, as where it stands, or leave it out',
  ],
  [
    'a flag in both sections',
    'flagValues: { api: 1 }\nflags: { api: { on: false, variations: [1] } }',
    'flagValues.api: api is one of `flags` too',
  ],
  [
    'a key that breaks the SDK',
    'flagValues: { constructor: 1 }',
    'flagValues.constructor: the SDK cannot hold the key constructor; give it another',
  ],
  [
    'two mistakes',
    'flags:\n  a: { on: 1, variations: [1] }\n  b: { on: true, variations: 1 }',
    '2:12 flags.a.on',
    '3:30 flags.b.variations',
  ],
] as const)
  await t.test(name, async (t) => {
    const file = join(t.testdir(), 'flags.yaml');
    writeFileSync(file, text);
    const { data, problems: found } = await readFlagFile(file);
    t.equal(data, undefined);
    const lines = found
      .map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
      .join('\n');
    for (const problem of problems) t.match(lines, problem);
    t.ok(found.every((problem) => problem.file === file));
  });

await t.test('what is no text file', async (t) => {
  const folder = t.testdir();
  t.same(await messageOf(join(folder, 'nowhere.yaml')), ['no such file']);
  mkdirSync(join(folder, 'folder'));
  t.same(await messageOf(join(folder, 'folder')), ['a folder or a device, not a file']);
  t.same(await messageOf('/dev/zero'), ['a folder or a device, not a file']);
  writeFileSync(join(folder, 'binary'), Buffer.from([0x66, 0xff, 0xfe]));
  t.same(await messageOf(join(folder, 'binary')), ['the file is not UTF-8 text']);
  writeFileSync(join(folder, 'huge'), 'x'.repeat(1024 * 1024 + 1));
  t.same(await messageOf(join(folder, 'huge')), ['the file is larger than 1 MiB']);
  t.match(await messageOf(join(folder, 'x'.repeat(300))), [/^cannot be read \(ENAMETOOLONG\)/]);
});

await t.test('at the start a missing or broken file is the user’s mistake, with its place', async (t) => {
  const folder = t.testdir({ 'broken.yaml': 'flags:\n  api: { on: true }\n' });
  await t.rejects(openFlags({ source: 'local', file: join(folder, 'none.yaml') }, keptLog()), {
    name: 'UserError',
    message: /none\.yaml:1:1 no such file/,
  });
  await t.rejects(openFlags({ source: 'local', file: join(folder, 'broken.yaml') }, keptLog()), {
    name: 'UserError',
    message: /broken\.yaml:2:3 flags\.api\.variations: missing/,
  });
});
