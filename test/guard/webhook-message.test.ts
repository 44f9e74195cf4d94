import { hostname } from 'node:os';
import t from 'tap';
import { openWebhooks } from '../../src/guard/webhook.ts';
import { messageOf, signedHeaders, signingKey } from '../../src/guard/message.ts';
import { systemClock } from '../../src/clock.ts';
import { keptLog } from '../support/flags.ts';
import { aRegression } from '../support/regression.ts';
import { expectedSignature, webhookReceiver } from '../support/webhook-receiver.ts';

await t.test('a webhook gets one sentence for people, and the whole record for programs', async (t) => {
  const receiver = await webhookReceiver(t);
  const webhooks = openWebhooks([{ webhook: receiver.url }], { log: keptLog(), clock: systemClock });
  const regression = aRegression();
  webhooks.tell(regression);
  const { method, path, headers, body } = await receiver.gets(1);
  t.match({ method, path }, { method: 'POST', path: '/services/T0/B0/very_secret' });
  t.match(headers, { 'content-type': 'application/json', 'user-agent': /^trenchcoat\/\d/ });
  t.same(JSON.parse(body), {
    text: `trenchcoat on ${hostname()}, route checkout (flag api-version): v1 failed 38 of 412 users (9.2 %), v0 2 of 430 (0.5 %): evidence 1 : 41,000; everybody is taken back to v0.`,
    type: 'trenchcoat.regression',
    timestamp: '2026-01-01T12:00:00.000Z',
    data: { ...regression, at: '2026-01-01T12:00:00.000Z' },
  });
  await webhooks.close(1000);
});

const sentence = (more: Parameters<typeof aRegression>[0]) =>
  (JSON.parse(messageOf(aRegression(more))) as { text: string }).text;

await t.test('the sentence says what was done, with nothing invisible in it', async (t) => {
  t.match(sentence({ action: 'pause' }), /: v1 failed .*; the rollout is held at 50 %\.$/);
  t.match(sentence({ action: 'notify' }), /: v1 failed .*; nothing is done about it\.$/);
  t.match(sentence({ flag: 'a\u202eb\n' }), /\(flag a\\u\{202e\}b\\u\{a\}\)/);
});

await t.test('a secret signs as Standard Webhooks has it', async (t) => {
  const receiver = await webhookReceiver(t);
  const raw = Buffer.from('0123456789abcdef01234567');
  const now = Date.now();
  const webhooks = openWebhooks(
    [
      { webhook: new URL('/encoded', receiver.url), secret: `whsec_${raw.toString('base64')}` },
      { webhook: new URL('/text', receiver.url), secret: 'größer als nichts' },
      { webhook: new URL('/long', receiver.url), secret: 'long'.repeat(50) },
      { webhook: new URL('/open', receiver.url) },
    ],
    { log: keptLog(), clock: systemClock },
  );
  webhooks.tell(aRegression());
  await receiver.gets(4);
  const at = (path: string) => {
    const delivery = receiver.deliveries.find((one) => one.path === path);
    if (delivery === undefined) throw new Error(`nothing came to ${path}`);
    return delivery;
  };
  const keys = {
    '/encoded': raw,
    '/text': Buffer.from('größer als nichts'),
    '/long': Buffer.from('long'.repeat(50)),
  };
  for (const [path, key] of Object.entries(keys))
    t.equal(at(path).headers['webhook-signature'], expectedSignature(at(path), key), path);
  for (const { headers } of receiver.deliveries) {
    t.equal(headers['webhook-id'], '00112233445566ff');
    t.ok(Math.abs(Number(headers['webhook-timestamp']) * 1000 - now) < 5000, 'seconds since 1970');
  }
  t.notOk('webhook-signature' in at('/open').headers);
  await webhooks.close(1000);
});

await t.test('the published example of a signature comes out', async (t) => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
  const key = signingKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  t.equal(
    signedHeaders(message, 1_614_265_330_000, key)['webhook-signature'],
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

await t.test('what is no base64 behind whsec_ is text like any other', async (t) => {
  for (const secret of ['whsec_', 'whsec_a b', 'whsec_a-b_', 'Whsec_YWJj'])
    t.same(signingKey(secret), Buffer.from(secret), secret);
  t.same(signingKey('whsec_YWJj'), Buffer.from('abc'));
});
