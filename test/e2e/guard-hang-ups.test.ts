import t, { type Test } from 'tap';
import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { fine, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

/** Begins an answer, and leaves it at that. */
const half: RequestListener = (_req, res) => void res.write('a fa');
const late: RequestListener = (req, res) => void setTimeout(() => fine(req, res), 5000);

t.jobs = 2;

void t.test('clients who leave v1 before the head are no failures of it, however many', async (t) => {
  const { proxy, ...shown } = await startGuarded(t, { v1: late });
  const client = steadyClient(t, [proxy.port], { rate: 50, leaves: () => ({ afterMs: 500 }) });
  await delay(10_000);
  await client.stop();
  t.ok(client.asked.filter(({ status }) => status === 0).length > 80, 'many have left');
  await nothingFound(t, shown);
});

void t.test('nor are those who leave in the midst of a body', async (t) => {
  const { proxy, ...shown } = await startGuarded(t, { v1: half });
  const client = steadyClient(t, [proxy.port], { rate: 50, leaves: () => 'in the body' });
  await delay(10_000);
  await client.stop();
  t.ok(client.asked.filter(({ version }) => version === '1').length > 80, 'many had v1');
  await nothingFound(t, shown);
});

type Shown = Pick<Awaited<ReturnType<typeof startGuarded>>, 'guard' | 'rollout'>;

async function nothingFound(t: Test, { guard, rollout }: Shown) {
  const { trip, seen, signals } = await guard();
  t.equal(trip, undefined);
  t.ok(seen.control.units > 200);
  t.match(seen, { control: { failed: 0 }, treatment: { failed: 0 } });
  for (const { signal, evidence, needed } of signals.filter(({ signal }) => signal !== 'split'))
    t.ok(evidence < needed / 2, `${signal}: 1 : ${Math.exp(evidence)}`);
  t.match(await rollout(), { status: 'in_progress', percent: 25 });
}
