import t, { type Test } from 'tap';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { runHere } from '../support/command.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { freePort, skipWithoutRedis, startRedis } from '../support/redis.ts';
import { startUpstream } from '../support/upstream.ts';

type Explained = {
  version: string;
  rollout: { status: string; percent: number };
  bucket: { movesAt: number };
  warning?: string;
};

async function explain(t: Test, folder: string, uid: string): Promise<Explained> {
  const config = join(folder, 'trenchcoat.yaml');
  const asked = ['explain', '-c', config, '--path', '/fact/', '--cookie', `uid=${uid}`, '--json'];
  const { code, stdout, stderr } = await runHere(t, asked);
  t.match({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout) as Explained;
}

const places: Record<string, { skip?: string | false; state: (t: Test) => Promise<string> }> = {
  'a file': { state: async () => 'file:state.json' },
  'the memory of the proxy': { state: async () => 'memory' },
  Redis: { skip: skipWithoutRedis(), state: async (t) => (await startRedis(t)).url },
};

for (const [name, { skip = false, state }] of Object.entries(places))
  await t.test(`explain says what a rollout does, with its state in ${name}`, { skip }, async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.end());
    const yaml = rolledOut(upstream.url, upstream.url, { state: await state(t), stage: '1h' });
    const proxy = await startProxy(t, `admin: 127.0.0.1:${await freePort()}\n${yaml}`);
    const begun = async () => (await explain(t, proxy.folder, 'u1')).rollout.percent === 25;
    await until(begun, 'the first stage');
    const served = async (uid: string) =>
      (await request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } })).headers['x-api-version'];
    for (const uid of ['u1', 'u2', 'u3', 'u4', 'u5', 'u6']) {
      const { version, rollout, bucket, warning } = await explain(t, proxy.folder, uid);
      t.equal(version, await served(uid), uid);
      t.equal(version === '1', bucket.movesAt <= rollout.percent, `${uid} moves at ${bucket.movesAt} %`);
      t.equal(rollout.status, 'in_progress');
      t.equal(warning, undefined);
    }
  });

const nobody = 'http://127.0.0.1:9';

await t.test('where the state cannot be had, control is assumed, and that is said', async (t) => {
  const cases: [string, RegExp][] = [
    ['file:none.json', /has not begun.*begins with the next start/],
    ['file:broken.json', /cannot be known.*broken\.json is not the state/],
    ['memory', /cannot be known.*127\.0\.0\.1:9/],
    ['redis://127.0.0.1:9', /cannot be known.*Redis at 127\.0\.0\.1:9 cannot be reached/],
  ];
  for (const [state, warning] of cases) {
    const folder = t.testdir({
      'trenchcoat.yaml': `admin: 127.0.0.1:9\n${rolledOut(nobody, nobody, { state })}`,
      'broken.json': '{',
    });
    const explained = await explain(t, folder, 'u1');
    t.match(explained, { version: '0', rollout: { status: 'unknown', percent: 0 } }, state);
    t.match(explained.warning, warning);
    t.equal(explained.bucket, undefined, 'without the salt there is no bucket');
  }
});
