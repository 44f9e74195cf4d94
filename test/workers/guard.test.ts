import t from 'tap';
import { request, until } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { rolledOut } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

await t.test('workers judge as one: a worse v1 is taken back once, and told of once', async (t) => {
  const v0 = await startUpstream(t, (_req, res) => res.end());
  const v1 = await startUpstream(t, (_req, res) => res.writeHead(500).end());
  const hook = await webhookReceiver(t);
  const yaml = rolledOut(v0.url, v1.url, { guard: 'onRegression: rollback' });
  const proxy = await startCrew(t, `${yaml}notify: [{ webhook: "${hook.url.href}" }]\n`);
  let n = 0;
  const ask = async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () =>
        request(proxy.port, '/fact/', { headers: { cookie: `uid=u${(n += 1)}` } }),
      ),
    );
    return new Set(answers.map(({ headers }) => headers['x-api-version']));
  };
  const guard = async () =>
    JSON.parse((await request(proxy.adminPort, '/api/guard/facts')).body) as GuardView;
  await until(
    async () => {
      await ask();
      return (await guard()).trip;
    },
    'it trips',
    20_000,
  );
  await until(async () => (await ask()).size === 1, 'everybody is on v0');

  const { trip, seen } = await guard();
  t.match(trip, { signal: 'errors', requestIds: { length: Number } });
  t.ok(seen.control.units > 40 && seen.treatment.failed > 3, 'what both have seen is shown as one');
  await hook.gets(1);
  const errors = () => proxy.said().filter(({ level }) => level === 'error');
  await until(() => errors().length > 0, 'a line in the log');
  await proxy.metric('trenchcoat_guard_trips_total{route="facts",signal="errors"} 1');
  const { requestIds } = JSON.parse(hook.deliveries[0]?.body ?? '{}').data ?? {};
  t.ok((requestIds ?? trip?.requestIds ?? []).length > 0, 'with requests to look for');
  t.equal(hook.deliveries.length, 1);
  t.equal(errors().length, 1);
});

type GuardView = {
  trip?: { signal: string; requestIds: string[] };
  seen: Record<'control' | 'treatment', { units: number; failed: number }>;
};
