import t from 'tap';
import { setTimeout as delay } from 'node:timers/promises';
import { failing, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

t.setTimeout(120_000);

await t.test('a v1 that fails as often as v0 goes through: a minute of both', async (t) => {
  const { proxy, ...shown } = await startGuarded(t, {
    v0: failing(0.02),
    v1: failing(0.02),
    stage: '28s',
  });
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  await delay(60_000);
  await client.stop();
  t.ok(client.asked.length > 2500, `${client.asked.length} requests`);
  t.match(await shown.rollout(), { status: 'completed', percent: 100 });
  const { trip, seen, signals } = await shown.guard();
  t.equal(trip, undefined);
  t.ok(seen.control.failed > 10 && seen.treatment.failed > 10, JSON.stringify(seen));
  for (const { signal, evidence, needed } of signals)
    t.ok(evidence < needed, `${signal}: 1 : ${Math.exp(evidence).toFixed(1)}`);
});
