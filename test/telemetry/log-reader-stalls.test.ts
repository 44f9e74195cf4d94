import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../support/client.ts';
import { peakMegabytes } from '../support/command.ts';
import { linesOf, startLogging, tooMany } from '../support/log-child.ts';

await t.test('while the reader stalls lines wait, then are lost and counted, and it goes on', async (t) => {
  const { child, output, ask } = await startLogging(t);
  await until(() => output.stdout.includes('"path":"/"'), 'it logs');
  child.stdout?.pause();
  t.equal(await ask(tooMany), tooMany, 'all are served');
  if (process.platform === 'linux') t.ok(peakMegabytes(child.pid) < 250, 'in little memory');
  child.stdout?.resume();
  await until(() => /"lost":\d+.*\n/.test(output.stdout), 'the loss is told', 15_000);
  t.equal(await ask(1), 1);
  child.kill('SIGTERM');
  await once(child, 'close');
  const lines = linesOf(output.stdout);
  const told = lines.filter(({ lost }) => lost !== undefined);
  t.equal(told.length, 1, 'once');
  t.match(told[0], { level: 'warn', msg: /lost/ });
  const lost = Number(told[0]?.['lost']);
  t.ok(lost > 0 && lost < tooMany / 2, `${lost} lines`);
  const long = lines.filter(({ path }) => typeof path === 'string' && path.length > 1000).length;
  t.equal(long + lost, tooMany + 1, 'every line was written or counted');
});

for (const kind of ['socket', 'pipe'] as const)
  await t.test(`a ${kind} whose reader stalls does not hold up the exit`, async (t) => {
    const fifo = join(t.testdir({}), 'log');
    execFileSync('mkfifo', [fifo]);
    const nobody = openSync(fifo, constants.O_RDWR);
    t.teardown(() => closeSync(nobody));
    const { child, ask } = await startLogging(t, kind === 'pipe' ? nobody : undefined);
    child.stdout?.pause();
    t.equal(await ask(200), 200, 'more than a pipe takes');
    const exit = once(child, 'exit');
    const signalled = performance.now();
    child.kill('SIGTERM');
    t.strictSame(await exit, [0, null]);
    t.ok(performance.now() - signalled < 4000, 'it waits a second for the reader, and ends');
    child.stdout?.resume();
  });
