import t from 'tap';
import { join } from 'node:path';
import { request } from '../support/client.ts';
import { runHere } from '../support/command.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('explain says what the proxy does, with the bucket and where it moves', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(`${upstream.url}/v0`, `${upstream.url}/v1`), {
    'flags.yaml': evenFlags,
  });
  const config = join(proxy.folder, 'trenchcoat.yaml');
  const explained = async (...args: string[]) => {
    const { code, stdout, stderr } = await runHere(t, [
      'explain',
      '-c',
      config,
      '--path',
      '/fact/?x',
      '--json',
      ...args,
    ]);
    t.match({ code, stderr }, { code: 0, stderr: '' });
    return JSON.parse(stdout) as { version: string; bucket: { movesAt: number; bucket: number } };
  };

  for (const user of ['u1', 'u2', 'u3', 'u4']) {
    const { version, bucket } = await explained('--cookie', `uid=${user}`);
    const served = await request(proxy.port, '/fact/', { headers: { cookie: `uid=${user}` } });
    t.equal(version, served.headers['x-api-version'], user);
    t.equal(version === '1', bucket.movesAt <= 50, 'at 50 % whoever moves at 50 or less has moved');
    t.equal(bucket.movesAt, Math.ceil((1 - bucket.bucket) * 100_000) / 1000);
  }
  t.match(await explained('--header', 'X-User-Id: bob'), {
    route: 'facts',
    flag: 'facts',
    context: { kind: 'user', key: 'bob' },
    version: '1',
    reason: 'TARGET_MATCH',
    upstream: 'v1',
    url: `${upstream.url}/v1/fact/?x`,
    bucket: { kind: 'fixed' },
  });
  t.match(await explained(), { minted: true, context: { anonymous: true } });
});

await t.test('in words for people, and a clear error for what cannot be asked', async (t) => {
  const folder = t.testdir({
    'trenchcoat.yaml': flagged('http://127.0.0.1:9', 'http://127.0.0.1:9').replace(
      '- { name: site, upstream: v0 }',
      '',
    ),
    'flags.yaml': evenFlags,
  });
  const explain = (...args: string[]) =>
    runHere(t, ['explain', '-c', join(folder, 'trenchcoat.yaml'), ...args]);
  const { stdout, code } = await explain('--path', '/fact/', '--cookie', 'uid=7');
  t.equal(code, 0);
  t.match(stdout, /^version +[01]$/m);
  t.match(stdout, /^bucket +0\.\d{6} of 1, from sha1\("facts\.even\.7"\)$/m);
  t.match(stdout, /^moves +.* \d+(\.\d+)? % or more$/m);
  t.match(await explain('--path', '/else'), { code: 1, stderr: /no route matches GET \/else/ });
  t.match(await explain('--path', 'fact'), { code: 1, stderr: /starts with \// });
  t.match(await explain('--path', '/fact/', '--header', 'nonsense'), { code: 1, stderr: /Name: value/ });
  t.match(await explain('--path', '/fact/', '--cookie', 'nonsense'), { code: 1, stderr: /name=value/ });
});
