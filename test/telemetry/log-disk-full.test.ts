import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createLog } from '../../src/telemetry/log.ts';
import { until } from '../support/client.ts';
import { peakMegabytes } from '../support/command.ts';
import { linesOf, startLogging, tooMany } from '../support/log-child.ts';

const skip = process.platform === 'linux' ? false : 'only Linux has /dev/full and prlimit';

await t.test('on a full disk requests are served as before', { skip }, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(full));
  const { child, ask, output } = await startLogging(t, full);
  t.equal(await ask(tooMany), tooMany);
  t.equal(child.exitCode, null);
  t.ok(peakMegabytes(child.pid) < 250, 'in little memory');
  child.kill('SIGTERM');
  t.strictSame(await once(child, 'exit'), [0, null]);
  t.equal(output.stderr, '');
});

await t.test('lines are lost, and counted, once more wait than may', { skip }, async (t) => {
  const log = await createLog({ level: 'info', format: 'json', access: true }, { to: '/dev/full' });
  t.teardown(() => log.close());
  const megabyte = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 15; i += 1) log.info({}, megabyte);
  t.equal(log.dropped(), 0);
  for (let i = 0; i < 5; i += 1) log.info({}, megabyte);
  t.equal(log.dropped(), 5);
});

// The limit on the size of a file stands in for a disk: what is beyond it is refused, until it is raised.
await t.test(
  'when there is room again, it goes on with what waited, and no line is cut',
  { skip },
  async (t) => {
    const file = join(t.testdir({}), 'log');
    const to = openSync(file, 'a');
    t.teardown(() => closeSync(to));
    const { child, ask } = await startLogging(t, to);
    const room = 1024 * 1024 + 5;
    execFileSync('prlimit', ['--pid', `${child.pid}`, `--fsize=${room}:unlimited`]);
    t.equal(await ask(tooMany), tooMany, 'all are served');
    await until(() => statSync(file).size === room, 'the disk is full to the last byte');
    execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited:unlimited']);
    await until(() => /"lost":\d+.*\n/.test(readFileSync(file, 'utf8')), 'the loss is told', 15_000);
    child.kill('SIGTERM');
    await once(child, 'exit');
    const lines = linesOf(readFileSync(file, 'utf8'));
    const lost = Number(lines.find(({ lost }) => lost !== undefined)?.['lost']);
    const long = lines.filter(({ path }) => typeof path === 'string' && path.length > 1000).length;
    t.ok(lost > 0);
    t.equal(long + lost, tooMany, 'every line was written or counted');
  },
);
