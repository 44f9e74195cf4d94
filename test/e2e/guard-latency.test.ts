import t from 'tap';
import { fine, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

await t.test('a v1 that takes 100 ms longer is rolled back within a minute', async (t) => {
  const { proxy, v1, ...shown } = await startGuarded(t, {
    v1: (req, res) => void setTimeout(() => fine(req, res), 100),
  });
  const begun = Date.now();
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  const trip = await shown.found(70_000);
  const took = Date.parse(trip.at) - begun;
  t.ok(took < 60_000, `rolled back after ${took} ms`);
  await client.stop();

  const { control, treatment, slowerThanMs, requestIds } = trip;
  t.match(trip, {
    signal: 'latency',
    action: 'rollback',
    control: { version: '0' },
    treatment: { version: '1' },
  });
  t.match(
    trip.words,
    /^\d+ of \d+ users of v1 waited longer than \S+ ms \(\S+ %\), \d+ of \d+ of v0 longer than \S+ ms/,
  );
  t.match(trip.words, /; median \d+ ms against \S+ ms: evidence (over )?1 : [\d,]+$/);
  t.ok((treatment.latencyMs?.p50 ?? 0) - (control.latencyMs?.p50 ?? 0) > 80, 'the medians say how much');
  t.ok(slowerThanMs && slowerThanMs.treatment > slowerThanMs.control + 4.99);
  const asked = new Set(v1.seen.map(({ headers }) => String(headers['x-request-id'])));
  t.equal(requestIds.length, Math.min(10, treatment.events));
  t.ok(requestIds.every((id) => asked.has(id)));
  for (const id of requestIds.slice(0, 2))
    t.match(await proxy.accessLine(id), { version: '1', status: 200 }, 'slow, and no failures');
  t.match(await shown.rollout(), { status: 'reverted', percent: 0 });
});
