import t from 'tap';
import { request, until } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { rolledOut } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a worker that began before a reload follows it before the reload is over', async (t) => {
  const upstreams = [
    await startUpstream(t, (_req, res) => res.end('0')),
    await startUpstream(t, (_req, res) => res.end('1')),
  ];
  const text = (which: number) => rolledOut(upstreams[which]?.url ?? '', upstreams[which]?.url ?? '');
  const proxy = await startCrew(t, text(0));
  const up = async () => (await proxy.ready()).checks['workers'];
  process.kill(proxy.workers()[0] ?? 0, 'SIGKILL');
  await until(async () => (await up()) === '1 of 2', 'one is left');

  // Again and again, so that one comes after the beginning, and before the worker stands.
  let which = 0;
  do {
    which = 1 - which;
    proxy.rewrite(text(which));
    await request(proxy.adminPort, '/api/reload', { method: 'POST' });
  } while ((await up()) !== '2 of 2');
  const answers = await Promise.all(Array.from({ length: 8 }, () => request(proxy.port, '/fact/')));
  t.strictSame(new Set(answers.map(({ body }) => body)), new Set([String(which)]));
});

await t.test('a stop does not wait for a worker that does not listen yet', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startCrew(t, rolledOut(upstream.url, upstream.url));
  const before = proxy.workers();
  process.kill(before[0] ?? 0, 'SIGKILL');
  await until(() => proxy.workers().some((pid) => !before.includes(pid)), 'another begins');
  const asked = performance.now();
  proxy.child.kill('SIGTERM');
  t.match(await proxy.ended, { code: 0 });
  t.ok(performance.now() - asked < 5000, 'it has nothing to end');
});
