import t from 'tap';
import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/client.ts';
import { fine, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

await t.test('failures that strike both versions at once take nobody back', async (t) => {
  let answer = fine;
  const either: RequestListener = (req, res) => answer(req, res);
  const { proxy, v0, v1, ...shown } = await startGuarded(t, { v0: either, v1: either });
  await shown.watching();
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  await delay(3000);

  // What both depend on has failed.
  answer = (_req, res) => void res.writeHead(500).end();
  await delay(3000);
  answer = (req) => void req.socket.destroy();
  await delay(3000);
  answer = fine;
  await delay(1000);

  // Both are restarted.
  for (const { server } of [v0, v1]) {
    server.close();
    server.closeAllConnections();
  }
  await delay(2000);
  for (const { server, port } of [v0, v1]) server.listen(port, '127.0.0.1');
  await until(() => client.asked.at(-1)?.status === 200, 'both are back');
  await delay(2000);
  await client.stop();

  const { trip, seen, signals } = await shown.guard();
  t.equal(trip, undefined);
  t.ok(seen.control.failed > 200 && seen.treatment.failed > 60, JSON.stringify(seen));
  const [errors] = signals;
  t.ok(errors && errors.evidence < errors.needed / 2, `1 : ${Math.exp(errors?.evidence ?? 0).toFixed(1)}`);
  t.match(await shown.rollout(), { status: 'in_progress', percent: 25 });
});
