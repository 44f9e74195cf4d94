import t from 'tap';
import { skipWithoutBlackHole, startBlackHole } from '../support/black-hole.ts';
import { request } from '../support/client.ts';
import { limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test(
  'a connection that does not come to stand in time: 504',
  { skip: skipWithoutBlackHole },
  async (t) => {
    const settings = { upstream: 'connectTimeout: 200ms, responseTimeout: 5s' };
    const { url } = await startBlackHole(t);
    const proxy = await startProxy(t, limited(url, settings));
    for (let i = 0; i < 2; i += 1) {
      const started = performance.now();
      t.match(await request(proxy.port, '/', { headers: { 'x-request-id': `deaf-${i}` } }), {
        status: 504,
        body: /connect-timeout/,
      });
      const took = performance.now() - started;
      t.ok(took >= 190 && took < 900, `after ${took.toFixed(0)} ms`);
      t.match(await proxy.accessLine(`deaf-${i}`), {
        error: { code: 'connect_timeout', source: 'upstream' },
      });
    }
  },
);

const upstream = await startUpstream(t, (req, res) => {
  const [, what, ms = ''] = req.url?.split('/') ?? [];
  if (what === 'head') return void setTimeout(() => res.end('in time'), Number(ms));
  if (what === 'silent') return void res.write('begun');
  let left = 5;
  const drip = setInterval(() => {
    left -= 1;
    if (left > 0) return void res.write('.');
    clearInterval(drip);
    res.end('!');
  }, Number(ms));
});
const deadlines = 'connectTimeout: 50ms, responseTimeout: 300ms, idleTimeout: 200ms';
const proxy = await startProxy(t, limited(upstream.url, { upstream: deadlines }));

await t.test('an answer in time is relayed, a late one is 504', async (t) => {
  t.match(await request(proxy.port, '/head/150'), { status: 200, body: 'in time' });
  const started = performance.now();
  t.match(await request(proxy.port, '/head/2000'), { status: 504, body: /response-timeout/ });
  const took = performance.now() - started;
  t.ok(took >= 290 && took < 900, `after ${took.toFixed(0)} ms`);
});

await t.test('a body may last as long as it moves', async (t) => {
  t.match(await request(proxy.port, '/drip/100'), { status: 200, body: '....!', cut: false });
});

await t.test('one that rests too long is cut', async (t) => {
  const started = performance.now();
  t.match(await request(proxy.port, '/silent'), { status: 200, body: 'begun', cut: true });
  const took = performance.now() - started;
  t.ok(took >= 190 && took < 900, `after ${took.toFixed(0)} ms`);
});
