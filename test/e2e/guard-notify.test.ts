import t from 'tap';
import { setTimeout as delay } from 'node:timers/promises';
import { askAdmin } from '../support/admin-answer.ts';
import { until } from '../support/client.ts';
import { failing, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

t.jobs = 2;

void t.test('`notify` tells once, and does nothing; a clearing makes it look anew', async (t) => {
  const receiver = await webhookReceiver(t);
  const { proxy, ...shown } = await startGuarded(t, {
    v1: failing(1),
    guard: 'onRegression: notify',
    keys: `notify: [{ webhook: "${receiver.url.href}" }]`,
  });
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  const trip = await shown.found(15_000);
  t.match(trip, { action: 'notify' });
  await delay(3000);
  t.ok((client.versionsSince(Date.parse(trip.at) + 100)['1'] ?? 0) > 20, 'those on v1 stay there');
  t.match(await shown.rollout(), { status: 'in_progress', percent: 25, regression: { id: trip.id } });
  t.match((await shown.rollout()).history.at(-1), { who: 'guard', verb: 'note', why: trip.words });
  t.match((await receiver.gets(1)).body, /route facts .*; nothing is done about it/);
  t.equal(receiver.deliveries.length, 1, 'told once, though it goes on');
  t.equal(proxy.logText().split('nothing is done about it').length, 2);

  const { json } = await askAdmin(proxy.adminPort, 'POST', '/api/guard/facts/clear', '{"why":"known"}');
  t.match(json, { route: 'facts', trip: undefined });
  t.match((await shown.rollout()).history.at(-1), { who: 'person', verb: 'clear', why: 'known' });
  const again = await shown.found(15_000);
  t.not(again.id, trip.id);
  t.equal(JSON.parse((await receiver.gets(2)).body).data.id, again.id);
  t.match(await askAdmin(proxy.adminPort, 'POST', '/api/guard/facts/clear'), { status: 200 });
  t.match(await askAdmin(proxy.adminPort, 'POST', '/api/guard/facts/clear'), { status: 409 });
});

void t.test('`off` watches nothing', async (t) => {
  const { proxy, ...shown } = await startGuarded(t, { v1: failing(1), guard: 'onRegression: off' });
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  await until(() => client.asked.length > 400, 'eight seconds', 15_000);
  t.match(await askAdmin(proxy.adminPort, 'GET', '/api/guard'), { json: { guards: [] } });
  t.match(await shown.rollout(), { status: 'in_progress', regression: undefined });
  t.ok(client.asked.filter(({ status }) => status === 500).length > 60);
  t.notMatch(await shown.metrics(), /^trenchcoat_guard_/m);
});
