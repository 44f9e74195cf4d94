import t from 'tap';
import { ask } from '../support/beside.ts';
import { limited } from '../support/limited.ts';
import { startMoody } from '../support/moody-upstream.ts';
import { startProxy } from '../support/proxy.ts';

await t.test('an upstream that refuses: 502 within 100 ms, until it does not', async (t) => {
  const upstream = await startMoody(t);
  const proxy = await startProxy(t, limited(upstream.url));
  await upstream.becomes('refuses');
  const took: number[] = [];
  for (let i = 0; i < 21; i += 1) {
    const answer = await ask(proxy.port, '/');
    t.match(answer, { status: 502, cut: false });
    took.push(answer.took);
  }
  // A busy machine may hold up a few of them; a proxy that tried again or waited would hold up all.
  const usual = took.toSorted((a, b) => a - b)[10] ?? Infinity;
  t.ok(usual < 100, `${usual.toFixed(1)} ms`);
  await upstream.becomes('well');
  t.match(await ask(proxy.port, '/'), { status: 200, body: 'well' });
});
