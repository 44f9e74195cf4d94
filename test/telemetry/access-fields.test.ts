import t from 'tap';
import { accessFields, accessFieldsTable } from '../../src/telemetry/access-line.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Outcome } from '../../src/telemetry/outcome.ts';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';

const outcome: Outcome = {
  id: 'a',
  route: 'facts',
  version: '1',
  reason: 'FALLTHROUGH',
  method: 'GET',
  path: '/fact/',
  status: 502,
  durationMs: 2.5,
  headMs: 2.1,
  bytesIn: 100,
  bytesOut: 200,
  upstream: 'v1',
  error: { code: 'connect_refused', source: 'upstream' },
  grpcStatus: 14,
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
};

await t.test('every field of a line is told of, and none beside', async (t) => {
  const file = join(t.testdir({}), 'log');
  const log = await createLog({ level: 'info', format: 'json', access: true }, { to: file });
  log.access(outcome);
  await log.close();
  const { error, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, object>;
  const names = [...Object.keys(rest), ...Object.keys(error ?? {}).map((key) => `error.${key}`)];
  t.strictSame(names.toSorted(), Object.keys(accessFields).toSorted());
});

await t.test('the table has a row a field', (t) => {
  const [head, rule, ...rows] = accessFieldsTable().trimEnd().split('\n');
  t.strictSame([head, rule], ['| field | meaning |', '| --- | --- |']);
  t.strictSame(
    rows,
    Object.entries(accessFields).map(([field, meaning]) => `| \`${field}\` | ${meaning} |`),
  );
  for (const row of rows) t.match(row, /^\| `[\w.]+` \| [^|]+\. \|$/);
  t.end();
});
