import t from 'tap';
import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { runHere } from '../support/command.ts';
import { failing, fine, startGuarded } from '../support/guarded.ts';
import { until } from '../support/client.ts';
import { steadyClient } from '../support/steady-client.ts';

await t.test('`pause` holds the percentage until a person goes on, and then compares anew', async (t) => {
  let answer: RequestListener = failing(0.5);
  const { proxy, ...shown } = await startGuarded(t, {
    v1: (req, res) => answer(req, res),
    guard: 'onRegression: pause',
    stage: '12s',
  });
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  const trip = await shown.found(15_000);
  t.match(trip, { action: 'pause', signal: 'errors', percent: 25, stage: 0 });
  const held = await shown.rollout();
  t.match(held, { status: 'regressed', percent: 25, leftMs: undefined, regression: { id: trip.id } });
  t.match(held.history.at(-1), { who: 'guard', verb: 'regress', to: 'regressed', why: trip.words });
  await delay(2500);
  t.match(await shown.rollout(), { status: 'regressed', percent: 25, elapsedMs: held.elapsedMs });
  t.ok((client.versionsSince(Date.parse(trip.at) + 100)['1'] ?? 0) > 10, 'those on v1 stay there');

  answer = fine;
  const admin = `http://127.0.0.1:${proxy.adminPort}`;
  const resumed = Date.now();
  t.match(await runHere(t, ['rollout', 'resume', '--admin', admin]), { code: 0 });
  t.match(await shown.rollout(), { status: 'in_progress', percent: 25, regression: undefined });
  const anew = await shown.guard();
  t.match(anew, {
    trip: undefined,
    epoch: { number: 1 },
    seen: { control: { units: 0 }, treatment: { units: 0 } },
  });
  t.ok(anew.signals.every(({ evidence, needed }) => evidence < needed / 2));

  await until(async () => (await shown.guard()).seen.treatment.units > 5, 'counts again');
  t.match(await shown.guard(), { seen: { treatment: { failed: 0 } } });
  answer = failing(0.5);
  const second = await shown.found(15_000);
  t.ok(Date.parse(second.at) > resumed && second.id !== trip.id, 'and finds what is found anew');
  t.match(await shown.rollout(), { status: 'regressed' });
  await until(() => proxy.logText().split('the rollout is held').length === 3, 'each told, once');
});
