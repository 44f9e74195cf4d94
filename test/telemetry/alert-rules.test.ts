import t from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { rules } from '../support/promql.ts';
import { promtool, skipWithout } from '../support/prometheus.ts';

const folder = 'test/telemetry/alert-rules';
const files = readdirSync(folder).map((file) => `${folder}/${file}`);
const skip = skipWithout('promtool');

await t.test('promtool accepts the rules', { skip }, async (t) => {
  const { ok, said } = promtool(['check', 'rules', '--lint-fatal', 'config/prometheus-rules.yaml']);
  t.ok(ok, said);
});

for (const file of files)
  await t.test(`alerts fire when they should, and then alone: ${file}`, { skip }, async (t) => {
    const { ok, said } = promtool(['test', 'rules', file]);
    t.ok(ok, said);
  });

await t.test(
  'every alert fires in one of these tests, says what to look at, and how urgent it is',
  async (t) => {
    const tests = files.map((file) => readFileSync(file, 'utf8')).join('');
    for (const { alert, labels = {}, annotations = {} } of rules) {
      if (alert === undefined) continue;
      t.match(tests, new RegExp(`alertname(="|: )${alert}\\b`), alert);
      t.match(labels['severity'], /^(critical|warning)$/, alert);
      t.match(annotations, { summary: /\w/, description: /\.$/ }, alert);
    }
  },
);
