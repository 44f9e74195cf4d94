import t, { type Test } from 'tap';
import { patience } from '../../src/guard/outbound.ts';
import { openWebhooks } from '../../src/guard/webhook.ts';
import { until } from '../support/client.ts';
import { hour, manualClock, minute, second } from '../support/clock.ts';
import { keptLog } from '../support/flags.ts';
import { aRegression } from '../support/regression.ts';
import { unusedPort } from '../support/upstream.ts';
import { expectedSignature, webhookReceiver, type Reply } from '../support/webhook-receiver.ts';

/** A webhook that is told by a clock of the test's own, with pauses at their shortest. */
async function start(t: Test, reply: Parameters<typeof webhookReceiver>[1]) {
  const receiver = await webhookReceiver(t, reply);
  const clock = manualClock();
  const pauses: number[] = [];
  const log = keptLog();
  const webhooks = openWebhooks([{ webhook: receiver.url, secret: 'a secret' }], {
    log,
    clock: {
      now: () => clock.now(),
      after(milliseconds, task) {
        if (milliseconds !== patience) pauses.push(milliseconds);
        return clock.after(milliseconds, task);
      },
    },
    random: () => 0,
    wallTime: () => clock.now(),
  });
  t.teardown(() => void webhooks.close(0));
  /** Waits until this many tries have failed, lets the pause go by that follows, and waits for the next try. */
  const next = async (count: number, pause: number) => {
    await until(() => pauses.length >= count, `failure ${count}`);
    t.equal(pauses[count - 1], pause, `pause ${count}`);
    await clock.pass(pause - 1);
    t.equal(receiver.deliveries.length, count, 'nothing before its end');
    await clock.pass(1);
    return receiver.gets(count + 1);
  };
  return { receiver, clock, log, webhooks, next };
}

await t.test('what may pass is tried again, after longer and longer pauses', async (t) => {
  const replies: Reply[] = [500, 'cut', 408, 429, 503, 599, 502, 504];
  const { receiver, log, webhooks, next } = await start(t, (_, count) => replies[count - 1]);
  webhooks.tell(aRegression());
  await receiver.gets(1);
  for (const [index, pause] of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries())
    await next(index + 1, pause);
  await until(() => log.said(/is told/).length === 1, 'the end');
  t.equal(webhooks.trouble(), undefined);
  t.same(
    log.lines.map(({ level }) => level),
    ['warn', 'info'],
    'said when it began, and when it ended well',
  );
  t.match(log.lines, [
    { fields: { webhook: receiver.origin, notify: 0, regression: '00112233445566ff' } },
    { fields: { webhook: receiver.origin, tries: 9 } },
  ]);
  t.equal(new Set(receiver.deliveries.map(({ body }) => body)).size, 1);
  t.equal(new Set(receiver.deliveries.map(({ headers }) => headers['webhook-id'])).size, 1, 'one id for all');
  const seconds = receiver.deliveries.map(({ headers }) => Number(headers['webhook-timestamp']));
  t.same(
    seconds.map((at) => at - (seconds[0] ?? 0)),
    [0, 0, 1, 3, 7, 15, 31, 61, 91],
    'each signed at its time',
  );
  for (const one of receiver.deliveries)
    t.equal(one.headers['webhook-signature'], expectedSignature(one, Buffer.from('a secret')));
});

await t.test('an answer that does not come in ten seconds is given up for another try', async (t) => {
  const { receiver, clock, webhooks, next } = await start(t, (_, count) => (count === 1 ? 'hang' : 200));
  webhooks.tell(aRegression());
  await receiver.gets(1);
  await clock.pass(10 * second);
  await until(() => webhooks.trouble(), 'the failure');
  t.equal(webhooks.trouble(), `${receiver.origin} did not answer within 10 s; a message waits`);
  await next(1, 500);
  await until(() => webhooks.trouble() === undefined, 'the end');
});

const date = (at: number) => new Date(at).toUTCString();

await t.test('Retry-After is heard, in seconds or as a date by the clock of whoever sent it', async (t) => {
  const far = Date.UTC(2040, 5, 1);
  const replies: Reply[] = [
    { status: 429, headers: { 'retry-after': '120' } },
    { status: 503, headers: { 'retry-after': date(far + 5 * minute), date: date(far) } },
    { status: 503, headers: { 'retry-after': 'soon' } },
  ];
  const { receiver, log, webhooks, next } = await start(t, (_, count) => replies[count - 1]);
  webhooks.tell(aRegression());
  await receiver.gets(1);
  await next(1, 2 * minute);
  await next(2, 5 * minute);
  await next(3, 2 * second);
  await until(() => log.said(/is told/).length === 1, 'the end');
});

await t.test('Retry-After is heard up to an hour, and after an hour nothing is tried again', async (t) => {
  const { receiver, log, webhooks, next } = await start(t, () => ({
    status: 503,
    headers: { 'retry-after': '999999' },
  }));
  webhooks.tell(aRegression());
  await receiver.gets(1);
  await next(1, hour);
  await until(() => log.said(/is not told/).length === 1, 'giving up');
  t.match(log.said(/is not told/), [
    {
      level: 'error',
      fields: { webhook: receiver.origin, tries: 2, why: `${receiver.origin} answered 503` },
    },
  ]);
  t.equal(webhooks.trouble(), `${receiver.origin} answered 503`, 'nothing waits');
});

await t.test('what cannot pass is said once, and not tried again', async (t) => {
  for (const status of [301, 307, 400, 401, 404, 410]) {
    const headers = { location: '/elsewhere' };
    const { receiver, clock, log, webhooks } = await start(t, () => ({
      status,
      headers,
      body: 'no_service',
    }));
    webhooks.tell(aRegression());
    await until(() => webhooks.trouble(), `giving up after ${status}`);
    await clock.pass(2 * minute);
    t.equal(receiver.deliveries.length, 1, `${status}: one try, and no redirect followed`);
    t.match(log.lines, [
      { level: 'error', fields: { why: `${receiver.origin} answered ${status} (no_service)` } },
    ]);
    t.equal(log.lines.length, 1);
  }
});

await t.test('nothing that is said holds the address beyond its origin', async (t) => {
  const { receiver, log, webhooks } = await start(t, ({ path, headers }) => ({
    status: 404,
    body: headers['webhook-id'] === 'aaaaaaaaaaaaaaaa' ? path : 'very_secret',
  }));
  const gone = new URL(receiver.url);
  gone.port = String(await unusedPort());
  gone.pathname = '/very_secret';
  const other = openWebhooks([{ webhook: gone }], { log, clock: manualClock() });
  webhooks.tell(aRegression({ id: 'aaaaaaaaaaaaaaaa' }));
  webhooks.tell(aRegression({ id: 'bbbbbbbbbbbbbbbb' }));
  other.tell(aRegression());
  await until(() => log.said(/is not told/).length === 2 && other.trouble(), 'three failures');
  t.equal(other.trouble(), `nothing listens on ${gone.origin}; a message waits`);
  t.notMatch(JSON.stringify([log.lines, webhooks.trouble(), other.trouble()]), /very.secret/);
});

await t.test('a message that fails holds up no other, so they may change places', async (t) => {
  const { receiver, clock, log, webhooks } = await start(t, ({ headers }, count) =>
    count === 1 && headers['webhook-id'] === 'aaaaaaaaaaaaaaaa' ? 500 : 200,
  );
  webhooks.tell(aRegression({ id: 'aaaaaaaaaaaaaaaa' }));
  await until(() => webhooks.trouble(), 'the failure');
  webhooks.tell(aRegression({ id: 'bbbbbbbbbbbbbbbb' }));
  await until(() => log.said(/is told/).length === 1, 'the second');
  await clock.pass(second);
  await receiver.gets(3);
  t.same(
    receiver.deliveries.map(({ headers }) => String(headers['webhook-id'])[0]),
    ['a', 'b', 'a'],
  );
  await until(() => log.said(/is told/).length === 2, 'both');
});
