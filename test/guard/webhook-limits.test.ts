import t from 'tap';
import { systemClock } from '../../src/clock.ts';
import { openWebhooks } from '../../src/guard/webhook.ts';
import { until } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import { keptLog } from '../support/flags.ts';
import { aRegression } from '../support/regression.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

const numbered = (number: number) => aRegression({ id: number.toString(16).padStart(16, '0') });

await t.test('a hundred messages wait for a webhook; of more the oldest goes, which is said', async (t) => {
  const receiver = await webhookReceiver(t, () => 500);
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: receiver.url }], { log, clock: manualClock() });
  for (let number = 0; number < 103; number += 1) webhooks.tell(numbered(number));
  t.match(log.lines, [
    { level: 'error', fields: { regression: numbered(0).id, why: '100 later messages wait' } },
    { level: 'error', fields: { regression: numbered(1).id } },
    { level: 'error', fields: { regression: numbered(2).id } },
  ]);
  t.equal(log.lines.length, 3);
  await until(() => webhooks.trouble()?.endsWith('; 100 messages wait'), 'the first failure');
  const gone = new Set([0, 1, 2].map((number) => numbered(number).id));
  t.same(
    log.said(/cannot be told yet/).map(({ fields }) => gone.has(String(fields['regression']))),
    [false],
    'what went is not heard of again',
  );
  await webhooks.close(1000);
});

await t.test('a webhook that fails or hangs is no matter for another', async (t) => {
  const good = await webhookReceiver(t);
  const bad = await webhookReceiver(t, () => 'hang');
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: bad.url }, { webhook: good.url }], { log, clock: systemClock });
  webhooks.tell(aRegression());
  await until(() => log.said(/is told/).length === 1, 'the good one');
  t.match(log.said(/is told/), [{ fields: { webhook: good.origin, notify: 1 } }]);
  await webhooks.close(0);
});

await t.test('an answer without end is read no further than needed', async (t) => {
  const receiver = await webhookReceiver(t, () => ({ status: 200, body: 'x'.repeat(8 * 1024 ** 2) }));
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: receiver.url }], { log, clock: systemClock });
  webhooks.tell(aRegression());
  await until(() => log.said(/is told/).length === 1, 'the end');
  await webhooks.close(1000);
});

await t.test('a close tries once more what waits, at once', async (t) => {
  const receiver = await webhookReceiver(t, (_, count) => (count === 1 ? 500 : 200));
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: receiver.url }], { log, clock: manualClock() });
  webhooks.tell(aRegression());
  await until(() => webhooks.trouble(), 'the failure');
  await webhooks.close(1000);
  t.equal(receiver.deliveries.length, 2);
  t.equal(log.said(/is told/).length, 1);
});

await t.test('a last try that fails is given up, and what is told later is not sent', async (t) => {
  const receiver = await webhookReceiver(t, () => 500);
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: receiver.url }], { log, clock: manualClock() });
  webhooks.tell(aRegression());
  await until(() => webhooks.trouble(), 'the failure');
  await webhooks.close(1000);
  webhooks.tell(numbered(7));
  t.match(
    log.said(/is not told/).map(({ fields }) => [fields['regression'], fields['why']]),
    [
      [aRegression().id, `${receiver.origin} answered 500`],
      [numbered(7).id, 'the proxy has stopped'],
    ],
  );
  t.equal(receiver.deliveries.length, 2);
});

await t.test('a close waits for what is on its way, and no longer than it may', async (t) => {
  const receiver = await webhookReceiver(t, () => 'hang');
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: receiver.url }], { log, clock: systemClock });
  webhooks.tell(aRegression());
  await receiver.gets(1);
  const began = performance.now();
  await webhooks.close(100);
  t.ok(performance.now() - began < 2000);
  t.match(log.said(/is not told/), [{ fields: { why: 'the proxy stops' } }]);
  t.equal(receiver.deliveries.length, 1, 'no second try beside the first');
});
