import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { createTurnOff } from '../../src/guard/turn-off.ts';
import { until } from '../support/client.ts';
import { keptLog } from '../support/flags.ts';
import { launchDarklyRest } from '../support/launchdarkly-rest-stub.ts';

type Stub = Awaited<ReturnType<typeof launchDarklyRest>>;

function start(t: Test, stub: Stub, { control = 'v0', proxy }: { control?: string; proxy?: URL } = {}) {
  const log = keptLog();
  const { flag, ...launchdarkly } = stub.names;
  const turnOff = createTurnOff({
    launchdarkly: { ...launchdarkly, url: stub.url },
    flag,
    control,
    proxy,
    log,
    clock: systemClock,
  });
  t.teardown(() => turnOff.close());
  turnOff.start('v1 failed 38 of 412 users');
  const ended = () => until(() => turnOff.view()?.status !== 'trying', 'the end');
  return { turnOff, log, ended };
}

await t.test('a flag is read, then turned off, as LaunchDarkly documents it', async (t) => {
  const stub = await launchDarklyRest(t);
  const { turnOff, log, ended } = start(t, stub);
  t.same(turnOff.view(), { status: 'trying', detail: `asking ${stub.origin}` });
  await ended();
  t.same(turnOff.view(), { status: 'off', detail: 'turned off in prod&eu' });
  t.equal(stub.state.on, false);
  t.same(stub.mistakes, []);
  t.match(stub.seen, [
    { method: 'GET' },
    { method: 'PATCH', body: { comment: 'trenchcoat: v1 failed 38 of 412 users' } },
  ]);
  t.match(log.lines, [{ level: 'info', message: 'a flag is turned off in LaunchDarkly' }]);
});

await t.test('it is done once, until it is cancelled', async (t) => {
  const stub = await launchDarklyRest(t);
  const { turnOff, ended } = start(t, stub);
  await ended();
  turnOff.start('again');
  t.equal(turnOff.view()?.status, 'off');
  turnOff.cancel();
  t.equal(turnOff.view(), undefined);
  turnOff.start('again');
  await ended();
  t.same(turnOff.view(), { status: 'off', detail: 'off already' });
  t.equal(stub.seen.length, 3);
  turnOff.close();
  turnOff.start('too late');
  t.equal(turnOff.view(), undefined);
  await until(() => stub.connections() === 0, 'no connection left', 1000);
});

await t.test('a flag that is off already is not touched', async (t) => {
  const stub = await launchDarklyRest(t, { on: false });
  const { turnOff, log, ended } = start(t, stub);
  await ended();
  t.same(turnOff.view(), { status: 'off', detail: 'off already' });
  t.same(
    stub.seen.map(({ method }) => method),
    ['GET'],
  );
  t.match(log.lines, [{ level: 'info', message: 'a flag is off in LaunchDarkly already' }]);
});

await t.test('a flag that would send everyone to v1 is left alone, and that is said loudly', async (t) => {
  const cases = [
    [{ offVariation: 1 }, 'its off variation is "v1", not the control "v0"'],
    [{ offVariation: undefined }, 'its off variation names no version'],
    [{ offVariation: 9 }, 'its off variation names no version'],
    [{ variations: [{ version: 'v0' }, 'v1'] }, 'its off variation names no version'],
    [{ variations: [null, 'v1'] }, 'its off variation names no version'],
  ] as const;
  for (const [flag, because] of cases) {
    const stub = await launchDarklyRest(t, flag as object);
    const { turnOff, log, ended } = start(t, stub);
    await ended();
    t.same(turnOff.view(), { status: 'left alone', detail: `left on, because ${because}` });
    t.same(
      stub.seen.map(({ method }) => method),
      ['GET'],
    );
    t.match(log.lines, [{ level: 'error', message: new RegExp(because) }]);
    t.equal(stub.state.on, true);
  }
});

await t.test('a flag that is off and gives v1 is said loudly, too', async (t) => {
  const stub = await launchDarklyRest(t, { on: false, offVariation: 1 });
  const { turnOff, log, ended } = start(t, stub);
  await ended();
  t.match(turnOff.view(), { status: 'off', detail: /^off already, and its off variation is "v1"/ });
  t.match(log.lines, [{ level: 'error' }]);
});

await t.test('control may be a number or true and false, as versions are', async (t) => {
  for (const [variations, control] of [
    [[0, 1], '0'],
    [[false, true], 'false'],
  ] as const) {
    const stub = await launchDarklyRest(t, { variations: [...variations] });
    const { turnOff, ended } = start(t, stub, { control });
    await ended();
    t.equal(turnOff.view()?.status, 'off');
  }
});

await t.test('the API may be below a path, and behind the outbound proxy', async (t) => {
  const stub = await launchDarklyRest(t, {}, '/launchdarkly');
  const tunnels: (string | undefined)[] = [];
  const proxy = http.createServer();
  proxy.on('connect', ({ url }, client: net.Socket) => {
    tunnels.push(url);
    const out = net.connect(stub.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      out.pipe(client).pipe(out);
    });
    for (const socket of [client, out]) socket.on('error', () => {});
    client.on('close', () => out.destroy());
    out.on('close', () => client.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => proxy.close());
  const { ended } = start(t, stub, {
    proxy: new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`),
  });
  await ended();
  t.same(stub.mistakes, []);
  t.equal(stub.state.on, false);
  t.same(new Set(tunnels), new Set([`127.0.0.1:${stub.port}`]));
});
