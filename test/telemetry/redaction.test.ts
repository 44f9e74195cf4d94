import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createLog, type Log } from '../../src/telemetry/log.ts';

async function written(
  t: Test,
  texts: readonly string[],
  say: (log: Log) => void,
  format: 'json' | 'pretty' = 'json',
): Promise<string> {
  const file = join(t.testdir({}), 'log');
  const secrets = texts.map((text) => ({ key: 'admin.token', text }));
  const log = await createLog({ level: 'info', format, access: true }, { to: file, secrets });
  say(log);
  await log.close();
  return readFileSync(file, 'utf8');
}

const odd = [
  'hunter2-hunter2',
  String.raw`quo"te\back"slash`,
  'a/b?c&d=e f%41',
  'tab\tand\nline',
  '.*$^(regular)[x]{2}|y',
  'schlüssel-ключ-🦝',
  '\u202ebidi-secret\u0085',
  '123456',
  'message',
  '","level":"info',
];

/** In which forms a secret could be recognised by whoever reads a line. */
const forms = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  JSON.stringify(JSON.stringify(secret)).slice(3, -3),
];

for (const secret of odd)
  for (const format of ['json', 'pretty'] as const)
    await t.test(`${JSON.stringify(secret)} is in no ${format} line`, async (t) => {
      const error = new Error(`cannot connect to https://x/?key=${encodeURIComponent(secret)}`, {
        cause: new Error(`with ${secret}.`),
      });
      const lines = await written(
        t,
        [secret],
        (log) => {
          log.error({ err: error }, `it said ${secret}${secret}`);
          log.warn({ deep: [{ [secret]: { n: 1234567, body: JSON.stringify({ secret }) } }] }, secret);
          log.info({}, 'nothing of it');
        },
        format,
      );
      const quiet = lines.replaceAll(/"(message|level)":|"level":"info"/g, '');
      for (const form of forms(secret)) t.notOk(quiet.includes(form), form);
      t.match(lines, '[redacted]');
      t.match(lines, 'nothing of it');
      if (format === 'json')
        for (const line of lines.split('\n').slice(0, -1))
          t.match(JSON.parse(line), { time: /^20/, level: /^(error|warn|info)$/ });
    });

await t.test('of two secrets the longer is left out whole', async (t) => {
  const lines = await written(t, ['secret', 'secret-and-more'], (log) => log.info({}, 'a secret-and-more b'));
  t.match(JSON.parse(lines), { msg: 'a [redacted] b' });
});

await t.test('what is too short to be told from other text is left, and that is said', async (t) => {
  const lines = await written(t, ['a', 'hunter2'], (log) => log.info({}, 'a word about hunter2'));
  const [first, second] = lines.split('\n');
  t.match(JSON.parse(first ?? ''), { level: 'warn', keys: ['admin.token'], msg: /less than 6 characters/ });
  t.match(JSON.parse(second ?? ''), { msg: 'a word about [redacted]' });
});
