import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { request, until } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startUpstream(t, (req, res) => {
  if (req.url === '/held') res.write('held');
  else res.end('served');
});

const get = 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n';

async function startStarving(t: Test, descriptors?: number) {
  const config = join(t.testdir({}), 'trenchcoat.yaml');
  const settings = { upstream: 'connectTimeout: 300ms, responseTimeout: 1s' };
  writeFileSync(config, `listen: 127.0.0.1:0\nadmin: off\n${limited(upstream.url, settings)}`);
  return startRun(t, config, descriptors === undefined ? {} : { descriptors });
}

/** May have no more than 64 files and sockets open, from the moment that it serves: Node needs some hundred to load it. */
async function starvedProxy(t: Test) {
  const proxy = await startStarving(t);
  execFileSync('prlimit', ['--pid', `${proxy.child.pid}`, '--nofile=64:64']);
  return proxy;
}

const skip = process.platform === 'linux' ? false : 'only Linux has prlimit';

/** Whether a request is served; a connection that is shed is no answer. */
const served = (port: number) =>
  request(port, '/').then(
    ({ status }) => status === 200,
    () => false,
  );

// The default limit of connections is above what many containers may open. A proxy that runs out of descriptors
// must not end, nor spin in accept, nor stay deaf once there are some again.
const starved = [
  ['taken from it as it runs', 64, starvedProxy],
  ['ulimit -n from the start', 160, (t: Test) => startStarving(t, 160)],
] as const;

for (const [how, most, start] of starved)
  await t.test(
    `more connections than descriptors, ${how}: it sheds, survives and recovers`,
    { skip },
    async (t) => {
      const proxy = await start(t);
      t.ok(await served(proxy.port), 'at first');
      for (let round = 0; round < 2; round += 1) {
        const crowd = await Promise.all(Array.from({ length: most + 90 }, () => connectRaw(t, proxy.port)));
        const shed = () => crowd.filter(({ socket }) => socket.destroyed).length;
        await until(() => shed() >= 90, 'those that are too many are shed');
        t.equal(proxy.child.exitCode, null, 'it lives');
        for (const { socket } of crowd) socket.destroy();
        await until(() => served(proxy.port), 'it serves again');
      }
      t.notMatch(proxy.output.stdout, /"level":"fatal"|a fault of ours/);
    },
  );

await t.test('no descriptor left for the upstream: an answer all the same', { skip }, async (t) => {
  const proxy = await starvedProxy(t);
  // Each of these takes two descriptors, and there are not enough for all.
  const crowd = await Promise.all(Array.from({ length: 40 }, () => connectRaw(t, proxy.port, get)));
  const answered = () =>
    crowd.filter(({ received, socket }) => socket.destroyed || received().startsWith('HTTP/1.1 ')).length;
  await until(() => answered() === crowd.length, 'all are answered, or shed');
  const statuses = crowd.map(({ received }) => received().slice(9, 12));
  t.ok(statuses.includes('200'), 'some are served');
  for (const status of new Set(statuses)) t.match(status, /^(200|502|503|504|)$/);
  for (const { socket } of crowd) socket.destroy();
  await until(() => served(proxy.port), 'it serves again');
  t.equal(proxy.child.exitCode, null);
});
