import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { createLog } from '../../src/telemetry/log.ts';
import { until } from '../support/client.ts';
import { peakMegabytes } from '../support/command.ts';
import { linesOf, startLogging, tooMany } from '../support/log-child.ts';

await t.test('when nobody reads the log any more, requests are served as before', async (t) => {
  const proxy = await startLogging(t);
  proxy.child.stdout?.destroy();
  t.equal(await proxy.ask(tooMany), tooMany);
  t.equal(proxy.child.exitCode, null);
  if (process.platform === 'linux') t.ok(peakMegabytes(proxy.child.pid) < 250, 'in little memory');
  proxy.child.kill('SIGTERM');
  t.strictSame(await once(proxy.child, 'exit'), [0, null]);
  t.equal(proxy.output.stderr, '');
});

await t.test('what nobody read is counted, and told to whoever comes to read', async (t) => {
  const fifo = join(t.testdir({}), 'log');
  execFileSync('mkfifo', [fifo]);
  const read = () => {
    const reader = spawn('cat', [fifo]);
    const seen = { text: '' };
    reader.stdout.setEncoding('utf8').on('data', (text: string) => (seen.text += text));
    t.teardown(() => reader.kill('SIGKILL'));
    return { reader, seen };
  };
  const first = read();
  const log = await createLog({ level: 'info', format: 'json', access: true }, { to: fifo });
  t.teardown(() => log.close());
  const say = (word: string) => {
    log.info({}, word);
    log.flush();
  };
  await until(() => {
    say('heard');
    return first.seen.text.includes('"heard"');
  }, 'it is read');
  first.reader.kill('SIGKILL');
  await once(first.reader, 'close');
  const before = log.dropped();
  await until(() => {
    say('unheard');
    return log.dropped() >= before + 10;
  }, 'what is lost is counted');
  const second = read();
  await until(() => {
    say('heard again');
    return /"lost":\d+.*\n/.test(second.seen.text);
  }, 'it is told');
  const told = linesOf(second.seen.text).filter(({ lost }) => lost !== undefined);
  t.equal(told.length, 1);
  t.match(told[0], { level: 'warn', lost: log.dropped() - before });
  t.notMatch(second.seen.text, '"unheard"');
});
