import t from 'tap';
import { until } from '../support/client.ts';
import { failing, fine, shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { steadyClient } from '../support/steady-client.ts';
import { startUpstream } from '../support/upstream.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

await t.test(
  'three replicas with a third each find what one with all finds, about as fast, and tell it once',
  { skip: skipWithoutRedis() },
  async (t) => {
    const redis = await startRedis(t);
    const receiver = await webhookReceiver(t);
    const [v0, v1] = [await startUpstream(t, fine), await startUpstream(t, failing(0.3))];
    const yaml = (state: string) =>
      rolledOut(v0.url, v1.url, { guard: 'onRegression: rollback', stage: '5m', state });
    const notify = `notify: [{ webhook: "${receiver.url.href}" }]\nlog: { access: false }\n`;
    const replicas = await Promise.all([1, 2, 3].map(() => startProxy(t, `${yaml(redis.url)}${notify}`)));
    const alone = await startProxy(t, `${yaml('memory')}log: { access: false }\n`);
    const shown = replicas.map(shownBy);
    await Promise.all([...shown, shownBy(alone)].map(({ watching }) => watching()));

    const begun = Date.now();
    const third = steadyClient(
      t,
      replicas.map(({ port }) => port),
      { rate: 40 },
    );
    const all = steadyClient(t, [alone.port], { rate: 40 });
    const trips = await Promise.all([...shown, shownBy(alone)].map(({ found }) => found(20_000)));
    const [together, byOne] = [trips[0], trips[3]].map((trip) => Date.parse(trip?.at ?? '') - begun);
    t.ok(
      together !== undefined && byOne !== undefined && together < byOne * 2 + 5000,
      `together after ${together} ms, one alone after ${byOne} ms`,
    );
    const last = Date.now();
    await until(() => (third.versionsSince(last)['0'] ?? 0) > 40, 'a second more');
    await Promise.all([third.stop(), all.stop()]);
    t.same(Object.keys(third.versionsSince(last)), ['0'], 'all replicas serve v0');

    const ids = new Set(trips.slice(0, 3).map(({ id }) => id));
    t.equal(ids.size, 1, 'they share one trip');
    for (const { rollout } of shown) {
      const { status, history } = await rollout();
      t.equal(status, 'reverted');
      t.equal(history.filter(({ verb }) => verb === 'rollback').length, 1, 'made once');
    }
    t.equal(JSON.parse((await receiver.gets(1)).body).data.id, trips[0]?.id);
    t.equal(receiver.deliveries.length, 1, 'and told once');
    // A third of the failures would not have sufficed.
    t.ok((trips[0]?.treatment.units ?? 0) > 10);
  },
);
