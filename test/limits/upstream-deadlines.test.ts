import t from 'tap';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { Test } from 'tap';
import { request } from '../support/client.ts';
import { limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** A port whose connections are never made: its process is stopped, and the two places of its backlog are taken. */
async function deafPort(t: Test): Promise<number> {
  const program =
    "const s = net.createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(said.toString());
  child.kill('SIGSTOP');
  for (let i = 0; i < 2; i += 1) {
    const taken = net.connect(port, '127.0.0.1').on('error', () => {});
    t.teardown(() => taken.destroy());
    await once(taken, 'connect');
  }
  return port;
}

const skip = process.platform === 'linux' ? false : 'a full backlog drops connections on Linux alone';

await t.test('a connection that does not come to stand in time: 504', { skip }, async (t) => {
  const settings = { upstream: 'connectTimeout: 200ms, responseTimeout: 5s' };
  const proxy = await startProxy(t, limited(`http://127.0.0.1:${await deafPort(t)}`, settings));
  for (let i = 0; i < 2; i += 1) {
    const started = performance.now();
    t.match(await request(proxy.port, '/', { headers: { 'x-request-id': `deaf-${i}` } }), {
      status: 504,
      body: /connect-timeout/,
    });
    const took = performance.now() - started;
    t.ok(took >= 190 && took < 900, `after ${took.toFixed(0)} ms`);
    t.match(await proxy.accessLine(`deaf-${i}`), { error: { code: 'connect_timeout', source: 'upstream' } });
  }
});

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
