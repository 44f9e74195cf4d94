import t from 'tap';
import { once } from 'node:events';
import http from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../support/client.ts';
import { manualClock, minute, second } from '../support/clock.ts';
import { runHere } from '../support/command.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** Everyone is on v1 but for tina, who is a target there and no part of the rollout. */
const flags = `
flags:
  facts: { on: true, variations: [0, 1], offVariation: 0, fallthrough: { variation: 0 }, targets: [{ variation: 1, values: [tina] }] }
`;

const stream: http.RequestListener = (_req, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n');
};

async function started(t: Parameters<typeof startProxy>[0], more: string) {
  const [v0, v1] = [await startUpstream(t, stream), await startUpstream(t, stream)];
  const sockets = new WebSocketServer({ server: v1.server });
  t.teardown(() => sockets.close());
  const clock = manualClock();
  const yaml = `${rolledOut(v0.url, v1.url, { more })}\nflags: { source: local, file: flags.yaml }`;
  const proxy = await startProxy(t, yaml, { 'flags.yaml': flags }, clock);
  /** An event stream of this user, and whether it was cut. */
  const open = async (uid: string) => {
    const req = http.get({
      host: '127.0.0.1',
      port: proxy.port,
      path: '/fact/',
      headers: { cookie: `uid=${uid}`, 'x-request-id': uid },
    });
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    const state = { version: res.headers['x-api-version'], cut: false };
    res.on('error', () => (state.cut = true)).resume();
    t.teardown(() => req.destroy());
    return state;
  };
  const rollout = (verb: string) =>
    runHere(t as never, ['rollout', verb, '--admin', `http://127.0.0.1:${proxy.adminPort}`]);
  return { clock, proxy, open, rollout };
}

await t.test('after the grace, what is still open on v1 by the rollout is cut', async (t) => {
  const { clock, proxy, open, rollout } = await started(t, 'cutStreamsAfter: 10s');
  const early = await open('early');
  const tina = await open('tina');
  await clock.pass(2 * minute);
  const late = await open('late');
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/fact/live`, {
    headers: { cookie: 'uid=late', 'x-request-id': 'ws' },
  });
  await once(client, 'open');
  const cut = once(client, 'close');
  client.on('error', () => {});
  t.same([tina.version, late.version], ['1', '1']);

  await rollout('rollback');
  const next = await open('late');
  t.equal(next.version, '0', 'new requests are on v0 at once');
  await clock.pass(10 * second - 1);
  t.notOk(late.cut, 'what is open has its grace');
  await clock.pass(1);
  await until(() => late.cut, 'the stream is cut');
  t.same((await cut)[0], 1006, 'and the WebSocket');
  t.same(
    [early, tina, next].map((stream) => stream.cut),
    [early.version === '1', false, false],
    'nobody else is',
  );
  t.match(await proxy.accessLine('late'), { status: 200, error: { code: 'rolled_back', source: 'self' } });
  t.match(await proxy.accessLine('ws'), { status: 101, error: { code: 'rolled_back' } });
  t.notMatch(proxy.logText(), /a request failed on our side/);
});

await t.test(
  'a rollout that is started again saves nobody from the cut, and costs no newcomer',
  async (t) => {
    const { clock, open, rollout } = await started(t, 'cutStreamsAfter: 10s');
    await clock.pass(2 * minute);
    const late = await open('late');
    for (const verb of ['rollback', 'start', 'promote']) await rollout(verb);
    const newcomer = await open('newcomer');
    await clock.pass(10 * second);
    await until(() => late.cut, 'the stream from before');
    t.match(newcomer, { version: '1', cut: false });
  },
);

await t.test('by default nothing is cut', async (t) => {
  const { clock, open, rollout } = await started(t, '');
  await clock.pass(2 * minute);
  const late = await open('late');
  await rollout('rollback');
  await clock.pass(60 * minute);
  t.match(late, { version: '1', cut: false });
});
