import t from 'tap';
import { hostname } from 'node:os';
import { until } from '../support/client.ts';
import { failing, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';
import { expectedSignature, webhookReceiver } from '../support/webhook-receiver.ts';

const key = Buffer.from('a key of thirty-two bytes, or so');

await t.test(
  'a v1 that fails one in five is rolled back within 15 seconds, and all of it is told',
  async (t) => {
    const receiver = await webhookReceiver(t);
    const secret = `whsec_${key.toString('base64')}`;
    const keys = `notify: [{ webhook: "${receiver.url.href}", secret: "${secret}" }]`;
    const { v1, proxy, ...shown } = await startGuarded(t, { v1: failing(0.2), keys });
    const begun = Date.now();
    const client = steadyClient(t, [proxy.port], { rate: 50 });
    const trip = await shown.found(20_000);
    const took = Date.parse(trip.at) - begun;
    t.ok(took < 15_000, `rolled back after ${took} ms`);

    await until(() => (client.versionsSince(Date.parse(trip.at) + 1)['0'] ?? 0) > 100, 'two seconds more');
    await client.stop();
    t.same(
      Object.keys(client.versionsSince(Date.parse(trip.at) + 1)),
      ['0'],
      'everybody, with the next request',
    );
    const failures = client.asked.filter(({ status }) => status !== 200);
    t.ok(failures.every(({ version }) => version === '1'));

    t.match(trip, {
      flag: 'facts',
      route: 'facts',
      signal: 'errors',
      action: 'rollback',
      unit: 'user',
      control: { version: '0', events: 0 },
      treatment: { version: '1' },
      percent: 25,
      stage: 0,
    });
    t.ok(trip.treatment.events >= 5 && trip.treatment.events <= failures.length);
    t.ok(trip.evidence && trip.evidence.log >= trip.evidence.needed);
    t.match(
      trip.words,
      /^v1 failed \d+ of \d+ users \(\d+\.\d %\), v0 0 of \d+ \(0\.0 %\): evidence (over )?1 : [\d,]+$/,
    );

    const asked = new Set(v1.seen.map(({ headers }) => String(headers['x-request-id'])));
    const { requestIds } = trip;
    t.equal(requestIds.length, Math.min(10, trip.treatment.events));
    t.equal(new Set(requestIds).size, requestIds.length);
    for (const id of requestIds) {
      t.ok(asked.has(id), 'v1 was asked it');
      t.match(await proxy.accessLine(id), { version: '1', status: 500, reason: 'FALLTHROUGH' });
    }

    const rollout = await shown.rollout();
    t.match(rollout, { status: 'reverted', percent: 0, regression: trip });
    t.match(rollout.history.at(-1), {
      who: 'guard',
      verb: 'rollback',
      from: 'in_progress',
      to: 'reverted',
      why: trip.words,
    });
    const lines = proxy
      .logText()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = lines.filter(({ regression }) => regression !== undefined);
    t.match(told, [
      {
        level: 'error',
        msg: `route facts: ${trip.words}; everybody is taken back`,
        regression: { id: trip.id, at: trip.at, requestIds },
      },
    ]);

    const delivery = await receiver.gets(1);
    t.equal(delivery.headers['webhook-id'], trip.id);
    t.equal(delivery.headers['webhook-signature'], expectedSignature(delivery, key));
    const { words, ...record } = trip;
    t.strictSame(JSON.parse(delivery.body), {
      text: `trenchcoat on ${hostname()}, route facts (flag facts): ${words}; everybody is taken back to v0.`,
      type: 'trenchcoat.regression',
      timestamp: trip.at,
      data: record,
    });
    t.equal(receiver.deliveries.length, 1);

    const metrics = await shown.metrics();
    t.match(metrics, /^trenchcoat_guard_tripped\{route="facts"\} 1$/m);
    t.match(metrics, /^trenchcoat_guard_evidence\{route="facts",signal="errors"\} \d{3,}/m);
    t.match(metrics, /^trenchcoat_rollout_percent\{flag="facts"\} 0$/m);
    t.match(metrics, /^trenchcoat_rollout_state\{flag="facts",state="reverted"\} 1$/m);
  },
);
