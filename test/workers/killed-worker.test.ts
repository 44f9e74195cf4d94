import t from 'tap';
import http from 'node:http';
import { once } from 'node:events';
import { readAnswer, request, until } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { rolledOut } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a worker that is killed takes its own streams with it, and nothing else', async (t) => {
  const finish: (() => void)[] = [];
  const upstream = await startUpstream(t, (req, res) => {
    if (req.url !== '/fact/stream') return void res.end('served');
    res.write('begun ');
    finish.push(() => res.end('and ended'));
  });
  const proxy = await startCrew(t, rolledOut(upstream.url, upstream.url, { more: 'start: manual' }));
  // Connections are handed out in turn, so that each worker has two.
  const streams: Promise<string>[] = [];
  for (let i = 0; i < 4; i += 1) {
    const req = http.get({ host: '127.0.0.1', port: proxy.port, path: '/fact/stream', agent: false });
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    streams.push(readAnswer(res).then(({ body, cut }) => `${body}${cut ? 'cut' : ''}`));
  }
  await proxy.metric('trenchcoat_upstream_connects_total{upstream="v0"} 4');
  const [victim = 0] = proxy.workers();
  process.kill(victim, 'SIGKILL');
  await until(async () => (await proxy.ready()).checks['workers'] === '1 of 2', 'one is left');
  t.equal((await proxy.ready()).ready, true);
  t.match(
    await proxy.metrics(),
    'trenchcoat_upstream_connects_total{upstream="v0"} 4\n',
    'what it had counted stays counted',
  );
  t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'served' }, 'which serves');
  for (const end of finish) end();
  t.strictSame((await Promise.all(streams)).toSorted(), [
    'begun and ended',
    'begun and ended',
    'begun cut',
    'begun cut',
  ]);

  await until(
    async () => (await proxy.ready()).checks['workers'] === '2 of 2',
    'another has taken its place',
    20_000,
  );
  t.notOk(proxy.workers().includes(victim));
  await proxy.metric('trenchcoat_requests_in_flight{route="facts",version="0"} 0');
  t.match(
    proxy.said().filter(({ level }) => level === 'error'),
    [{ pid: victim, againInMs: 100, msg: 'a worker has ended (SIGKILL); another takes its place' }],
  );

  const [next = 0] = proxy.workers();
  process.kill(next, 'SIGKILL');
  await until(
    () => proxy.said().filter(({ level }) => level === 'error').length === 2,
    'the second is told of',
  );
  t.match(
    proxy.said().filter(({ level }) => level === 'error')[1],
    { againInMs: 200 },
    'one that keeps dying is given more time',
  );
  await until(
    async () => (await proxy.ready()).checks['workers'] === '2 of 2',
    'and is replaced as well',
    20_000,
  );
});
