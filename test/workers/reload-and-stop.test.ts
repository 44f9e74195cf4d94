import t from 'tap';
import http from 'node:http';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAnswer, request, until } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { rolledOut } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('all workers follow a reload, refuse a broken file, and drain at the stop', async (t) => {
  const finish: (() => void)[] = [];
  const first = await startUpstream(t, (req, res) => {
    if (req.url !== '/fact/stream') return void res.end('first');
    res.write('begun ');
    finish.push(() => res.end('and ended'));
  });
  const second = await startUpstream(t, (_req, res) => res.end('second'));
  const state = { state: 'file:./state.json' };
  const proxy = await startCrew(t, rolledOut(first.url, first.url, state).replace('drain: 1s', 'drain: 20s'));
  const served = async () =>
    new Set(
      (await Promise.all(Array.from({ length: 8 }, () => request(proxy.port, '/fact/')))).map(
        ({ body }) => body,
      ),
    );
  t.strictSame(await served(), new Set(['first']));
  const streams: Promise<unknown>[] = [];
  for (let i = 0; i < 2; i += 1) {
    const req = http.get({ host: '127.0.0.1', port: proxy.port, path: '/fact/stream', agent: false });
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    streams.push(readAnswer(res).then(({ body, cut }) => ({ body, cut })));
  }
  const reload = async () => (await request(proxy.adminPort, '/api/reload', { method: 'POST' })).status;

  proxy.rewrite(rolledOut(second.url, second.url, state).replace('drain: 1s', 'drain: 20s'));
  t.equal(await reload(), 200);
  t.strictSame(await served(), new Set(['second']), 'not one worker is behind when the answer is there');
  const workers = proxy.workers();
  proxy.rewrite('routes: [');
  t.equal(await reload(), 409);
  t.strictSame(await served(), new Set(['second']));
  t.strictSame(proxy.workers(), workers, 'nobody was replaced');

  proxy.child.kill('SIGTERM');
  await until(async () => !(await proxy.ready().catch(() => ({ ready: false }))).ready, 'readiness fails');
  await until(
    async () =>
      request(proxy.port, '/fact/').then(
        () => false,
        () => true,
      ),
    'nothing new is taken',
  );
  for (const end of finish) end();
  t.same(await Promise.all(streams), [
    { body: 'begun and ended', cut: false },
    { body: 'begun and ended', cut: false },
  ]);
  t.match(await proxy.ended, { code: 0, stderr: '' });
  for (const pid of workers) t.notOk(existsSync(`/proc/${pid}`), 'no worker is left');
  t.match(JSON.parse(readFileSync(join(proxy.folder, 'state.json'), 'utf8')), {
    rollouts: { facts: { percent: 25 } },
  });
});
