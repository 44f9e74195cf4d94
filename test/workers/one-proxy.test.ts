import t from 'tap';
import http from 'node:http';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { run } from '../support/command.ts';
import { startCrew } from '../support/crew.ts';
import { rolledOut } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);

await t.test('two workers are one proxy: the same users, one count, one log', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('x'.repeat(100)));
  const proxy = await startCrew(t, rolledOut(upstream.url, upstream.url, { state: 'file:./state.json' }));
  t.equal((await proxy.ready()).checks['workers'], '2 of 2');
  t.equal(proxy.workers().length, 2);

  const versions = async () => {
    // Each on a connection of its own, so that they go to the workers in turn.
    const answers = await Promise.all(
      users.map((uid) => request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } })),
    );
    return answers.map(({ status, headers }) => (status === 200 ? headers['x-api-version'] : status));
  };
  const first = await versions();
  const onV1 = first.filter((version) => version === '1').length;
  t.ok(onV1 > 20 && onV1 < 80, `${onV1} of 200 are on v1`);
  t.strictSame(await versions(), first, 'whichever worker they met');

  await proxy.metric(
    `trenchcoat_requests_total{route="facts",version="1",status="2xx",reason="FALLTHROUGH"} ${2 * onV1}`,
  );
  await proxy.metric(
    `trenchcoat_requests_total{route="facts",version="0",status="2xx",reason="FALLTHROUGH"} ${400 - 2 * onV1}`,
  );
  await proxy.metric('trenchcoat_requests_in_flight{route="facts",version="0"} 0');
  const { body } = await request(proxy.adminPort, '/api/history/facts');
  t.match(JSON.parse(body), { flag: 'facts' });
  const lines = await until(
    () => (proxy.requests().length === 400 ? proxy.requests() : undefined),
    '400 whole lines',
  );
  t.equal(new Set(lines.map(({ id }) => id)).size, 400, 'each of another request');
  const taken = proxy.said().filter(({ msg }) => msg === 'a rollout is taken up');
  t.equal(taken.length, 1, 'what all processes see alike is said once');
});

await t.test('a step is made once, and everybody follows at once', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startCrew(t, rolledOut(upstream.url, upstream.url));
  const shares = async () =>
    new Set(
      await Promise.all(
        users.map(
          async (uid) =>
            (await request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } })).headers[
              'x-api-version'
            ],
        ),
      ),
    );
  const act = (verb: string) => request(proxy.adminPort, `/api/rollouts/facts/${verb}`, { method: 'POST' });
  await act('promote');
  await until(async () => (await shares()).size === 1 && (await shares()).has('1'), 'all are on v1', 2000);
  await act('rollback');
  await until(async () => (await shares()).size === 1 && (await shares()).has('0'), 'all are on v0', 1000);
  const { body } = await request(proxy.adminPort, '/api/rollouts/facts');
  const { history } = JSON.parse(body) as { history: { verb: string }[] };
  t.strictSame(
    history.map(({ verb }) => verb).filter((verb) => verb !== 'start'),
    ['promote', 'rollback'],
  );
});

await t.test('limits hold for all workers together', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startCrew(t, `${rolledOut(upstream.url, upstream.url)}limits: { connections: 10 }\n`);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 30 });
  t.teardown(() => agent.destroy());
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => request(proxy.port, '/fact/', { agent })),
  );
  const served = answers.filter(({ status }) => status === 200).length;
  // Each has half of them; which worker a connection goes to, Node decides by who is free.
  t.ok(served >= 5 && served <= 10, `${served} of 30`);
  t.ok(answers.every(({ status }) => status === 200 || status === 503));
});

await t.test('a port that is taken ends the start with one line', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const taken = `listen: 127.0.0.1:${upstream.port}\nadmin: off\nworkers: 2\n`;
  const folder = t.testdir({ 'trenchcoat.yaml': taken + rolledOut(upstream.url, upstream.url) });
  const { code, stderr } = await run(t, ['run', '-c', join(folder, 'trenchcoat.yaml')]);
  t.equal(code, 2);
  t.match(stderr, /^trenchcoat: cannot listen on 127.0.0.1:\d+: the port is taken; [^\n]*\n$/);
});
