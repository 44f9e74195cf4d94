import t from 'tap';
import { sdkLogger } from '../../src/flags/sdk-log.ts';
import { keptLog } from '../support/flags.ts';

function logging(hear?: (message: string) => boolean) {
  const clock = { now: 0 };
  const log = keptLog();
  return { log, clock, logger: sdkLogger(log, hear, 'sdk-secret', () => clock.now) };
}

await t.test('arguments are joined, errors included', async (t) => {
  const { log, logger } = logging();
  logger.warn('Flushing %d events', 3, 'now', new Error('broken'));
  t.match(log.lines, [{ level: 'warn', message: /^Flushing 3 events now Error: broken/ }]);
});

await t.test('a message is written once a minute, with the number held back', async (t) => {
  const { log, logger, clock } = logging();
  for (let count = 0; count < 1000; count += 1) logger.error('the same');
  clock.now = 59_999;
  logger.error('the same');
  t.same(log.lines, [{ level: 'error', fields: {}, message: 'the same' }]);
  clock.now = 60_000;
  logger.error('the same');
  logger.error('another');
  t.same(log.lines.slice(1), [
    { level: 'error', fields: { repeated: 1000 }, message: 'the same' },
    { level: 'error', fields: {}, message: 'another' },
  ]);
});

await t.test('of many messages the last 200 are remembered', async (t) => {
  const { log, logger } = logging();
  for (let count = 0; count < 201; count += 1) logger.warn(`message ${count}`);
  logger.warn('message 200');
  logger.warn('message 1');
  t.equal(log.lines.length, 201, 'both are known');
  logger.warn('message 0');
  t.equal(log.lines.length, 202, 'the oldest is forgotten');
});

await t.test('the key and endless text are cut', async (t) => {
  const { log, logger } = logging();
  logger.warn('sent sdk-secret and sdk-secret', 'x'.repeat(5000));
  const [line] = log.lines;
  t.match(line?.message, /^sent \*\*\* and \*\*\* x/);
  t.equal(line?.message.length, 1000);
});

await t.test('nothing that is logged can throw', async (t) => {
  const { log, logger } = logging();
  logger.warn('%s', {
    toString() {
      throw new Error('no text');
    },
  });
  const failing = sdkLogger({
    ...log,
    warn() {
      throw new Error('the log is gone');
    },
  });
  failing.warn('lost');
  t.pass();
});

await t.test('what is heard elsewhere is not written', async (t) => {
  const { log, logger } = logging((message) => message === 'news');
  logger.info('news');
  logger.info('other');
  t.same(log.lines, [{ level: 'debug', fields: {}, message: 'other' }]);
});
