import net, { type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../../src/guard/simulate.ts';
import { ask, startBeside } from '../support/beside.ts';
import { until } from '../support/client.ts';
import { fixedFlag } from '../support/flags.ts';
import { shownBy } from '../support/guarded.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { startUpstream } from '../support/upstream.ts';
import { must, type Fault } from './fault.ts';

/** Everybody asks once; a line for each. */
const everybody = async (port: number) => {
  const users = Array.from({ length: 40 }, (_, n) => `user-${n}`);
  const answers = users.map((uid) => ask(port, '/fact/', { headers: { cookie: `uid=${uid}` } }));
  return (await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`).join('\n');
};

export const redis: Fault = {
  name: 'Redis that dies, hangs and comes back empty',
  async run(trial) {
    const missing = skipWithoutRedis();
    must(missing === false, String(missing));
    const random = seeded(trial.seed);
    const server = await startRedis(trial);
    const v0 = await startUpstream(trial, (_req, res) => res.end('v0'));
    const v1 = await startUpstream(trial, (_req, res) => res.end('v1'));
    const proxy = await startProxy(
      trial,
      `${rolledOut(v0.url, v1.url, { stage: '1h', state: server.url })}log: { access: false }\n`,
    );
    const { rollout } = shownBy(proxy);
    await until(async () => (await rollout()).percent === 25, 'the first stage');
    const before = await everybody(proxy.port);
    let outages = 0;
    let asked = 0;
    const ride = async (milliseconds: number) => {
      for (const end = performance.now() + milliseconds; performance.now() < end; asked += 40)
        must((await everybody(proxy.port)) === before, 'somebody was moved, or not served');
    };
    for (; !trial.isOver() || outages < 2; outages += 1) {
      const [down, up] = outages % 2 === 0 ? [server.kill, server.up] : [server.stall, server.resume];
      trial.tell(outages % 2 === 0 ? 'Redis dies' : 'Redis hangs');
      await down();
      await ride(500 + random() * 3000);
      await up();
      await until(async () => (await rollout()).state.healthy, 'well again', 15_000);
      await ride(random() * 2000);
    }
    const kept = await server.client().hget('trenchcoat:rollout:facts', 'state');
    must(kept?.includes((await rollout()).salt ?? '?') === true, 'Redis was not told what it forgot');
    return `${outages} outages; ${asked} requests, everybody stayed where they were`;
  },
};

export const launchDarkly: Fault = {
  name: 'LaunchDarkly that goes, comes and talks nonsense',
  async run(trial) {
    const random = seeded(trial.seed);
    const upstream = await startUpstream(trial, (req, res) => res.end(String(req.headers['x-api-version'])));
    let version = 1;
    const flags = () => ({ flags: { facts: fixedFlag('facts', version % 2, version) } });
    const stub = await launchDarklyStub(flags());
    trial.teardown(stub.close);
    const proxy = await startProxy(
      trial,
      `context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v0: { url: "${upstream.url}" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0, 1: v0 }, default: 0 }]
log: { access: false }
shutdown: { drain: 1s }
`,
    );
    const served = async () => new Set((await everybody(proxy.port)).split('\n'));
    const is = async () => (await served()).has(`200 ${version % 2}`);
    let outages = 0;
    for (; !trial.isOver() || outages < 2; outages += 1) {
      trial.tell(outages % 2 === 0 ? 'LaunchDarkly goes' : 'LaunchDarkly talks nonsense');
      if (outages % 2 === 0) await stub.down();
      else stub.garble('put', '{"path":"/","data":{"fl');
      for (const end = performance.now() + 500 + random() * 2000; performance.now() < end;) {
        const seen = [...(await served())];
        must(seen.join() === `200 ${version % 2}`, `other than the last known value: ${seen.join(' and ')}`);
      }
      version += 1;
      if (outages % 2 === 0) {
        stub.set(flags());
        await stub.up();
      } else stub.put(flags());
      // The SDK waits longer each time that it is refused.
      await until(is, 'the new value', 40_000);
    }
    return `${outages} outages; the last known value each time, and the new one after`;
  },
};

export const descriptors: Fault = {
  name: 'descriptors exhausted, again and again',
  async run(trial) {
    const upstream = await startUpstream(trial, (_req, res) => res.write('held'));
    const settings = { upstream: 'connectTimeout: 500ms, idleTimeout: 5s', descriptors: 200 };
    const proxy = await startBeside(trial, upstream.url, settings);
    let rounds = 0;
    let shed = 0;
    for (; !trial.isOver() || rounds < 2; rounds += 1) {
      const crowd: Socket[] = Array.from({ length: 400 }, () =>
        net.connect(proxy.port, '127.0.0.1').on('error', () => {}),
      );
      // Every other one takes a second descriptor.
      for (const [i, socket] of crowd.entries())
        if (i % 2 === 0) socket.write('GET /sick/ HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(() => crowd.filter(({ destroyed }) => destroyed).length >= 200, 'who is too many is shed');
      shed += crowd.filter(({ destroyed }) => destroyed).length;
      for (const socket of crowd) socket.destroy();
      await until(async () => (await ask(proxy.port, '/well')).status === 200, 'it serves again');
      must(proxy.child.exitCode === null, 'it has ended');
    }
    await proxy.settled(20_000);
    return `${rounds} crowds, ${shed} shed, served after each`;
  },
};

export const logReader: Fault = {
  name: 'a log reader that stalls, and leaves',
  async run(trial) {
    const proxy = await startBeside(trial, 'http://127.0.0.1:9', { log: '' });
    const { stdout } = proxy.child;
    const load = async () => {
      while (!trial.isOver())
        must((await ask(proxy.port, `/${'x'.repeat(7000)}`)).status === 200, 'not served');
    };
    const reader = async () => {
      for (let stalled = false; !trial.isOver(); stalled = !stalled) {
        if (stalled) stdout?.resume();
        else stdout?.pause();
        trial.tell(stalled ? 'the reader reads' : 'the reader stalls');
        await delay((trial.seconds * 1000) / 6);
      }
      stdout?.destroy();
    };
    const { unserved, served } = await proxy.meanwhile(() =>
      Promise.all([reader(), load(), load(), load(), load()]),
    );
    must(unserved.length === 0, `${unserved.length} requests were not served`);
    // Now there is no reader at all, and sooner or later a line is written.
    const lost = await until(async () => {
      must((await ask(proxy.port, '/well')).status === 200, 'not served once the reader had left');
      const { body } = await ask(proxy.adminPort, '/metrics');
      return Number(/^trenchcoat_log_lines_dropped_total (\d+)$/m.exec(body)?.[1]);
    }, 'what is lost is counted');
    proxy.child.kill('SIGTERM');
    const { code } = await proxy.ended;
    must(code === 0, `the end was ${code}`);
    return `${served} requests served, ${lost} lines lost and counted`;
  },
};
