import t, { type Test } from 'tap';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import http, { type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { runHere } from '../support/command.ts';
import { flagged, evenFlags, startProxy } from '../support/proxy.ts';
import { freePort } from '../support/redis.ts';
import { startUpstream } from '../support/upstream.ts';

/** Runs `trenchcoat probe …`; its exit code and all that it said. */
async function probe(t: Test, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(t, ['probe', ...args]);
  return `${code} ${stdout}${stderr}`;
}

/** A proxy that drains as long as the test likes: a request is under way until its end. */
async function startDraining(t: Test, admin: string) {
  const answers: ServerResponse[] = [];
  const upstream = await startUpstream(t, (_req, res) => void answers.push(res));
  const yaml = `admin: ${admin}\n${flagged(upstream.url, upstream.url).replace('drain: 1s', 'drain: 60s')}`;
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  return {
    proxy,
    /** Begins the stop, and gives what lets it come to its end. */
    drain: async () => {
      const inFlight = request(proxy.port, '/fact/');
      await until(() => upstream.seen.length > 0, 'the request is under way');
      const stopped = proxy.stop();
      return async () => {
        for (const res of answers) res.end('late');
        await inFlight;
        await stopped;
      };
    },
  };
}

/** A server of some other kind. */
async function serve(t: Test, server: net.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

await t.test('0 while it is ready or alive, 1 with the reasons once it is not ready', async (t) => {
  const port = await freePort();
  const { proxy, drain } = await startDraining(t, `127.0.0.1:${port}`);
  const file = join(proxy.folder, 'trenchcoat.yaml');
  const admin = `http://127.0.0.1:${port}`;

  t.equal(await probe(t, '--admin', admin), '0 ready\n');
  t.equal(await probe(t, 'ready', '-c', file), '0 ready\n');
  t.equal(await probe(t, 'live', '-c', file), '0 live\n');

  const end = await drain();
  const said = await probe(t, '-c', file);
  t.match(said, new RegExp(`^1 trenchcoat: ${admin} is not ready\n {2}proxy +draining\n`));
  t.equal(await probe(t, 'live', '-c', file), '0 live\n', 'no reason to start it anew');
  await end();
  t.match(await probe(t, 'live', '-c', file), /^2 trenchcoat: nothing listens on /);
});

await t.test('a proxy with a token tells the reasons to whoever has it', async (t) => {
  const { proxy, drain } = await startDraining(t, '{ address: 127.0.0.1:0, token: s3cret }');
  const admin = `http://127.0.0.1:${proxy.adminPort}`;
  t.equal(await probe(t, '--admin', admin), '0 ready\n', 'a probe needs none');

  const end = await drain();
  t.equal(await probe(t, '--admin', admin), `1 trenchcoat: ${admin} is not ready: it answered 503\n`);
  t.match(await probe(t, '--admin', admin, '--token', 's3cret'), /^1 [^]*\n {2}proxy +draining\n/);
  await end();
});

await t.test('1 when something answers otherwise, 2 when nobody does in time', async (t) => {
  const other = await serve(
    t,
    http.createServer((_req, res) => void res.writeHead(404).end('{"checks":1}')),
  );
  t.equal(await probe(t, '--admin', other), `1 trenchcoat: ${other} is not ready: it answered 404\n`);

  const silent = await serve(
    t,
    net.createServer((socket) => void socket.on('error', () => {})),
  );
  const began = performance.now();
  t.match(
    await probe(t, '--admin', silent, '--timeout', '100ms'),
    /^2 trenchcoat: .* did not answer within 0\.1 s/,
  );
  t.ok(performance.now() - began < 1000, 'no longer than it was told');

  const nobody = `http://127.0.0.1:${await freePort()}`;
  t.match(await probe(t, '--admin', nobody), /^2 trenchcoat: nothing listens on /);
});

await t.test('a command line that makes no sense is refused', async (t) => {
  t.match(await probe(t, 'reddy'), /^1 error: .*Allowed choices are live, ready/);
  for (const wrong of ['0s', '61s', '1', '1m', '-1s', 'NaN'])
    t.match(await probe(t, '--timeout', wrong), /^1 error: .*A time is 1ms to 60s/, wrong);
  t.match(await probe(t, '-c', 'x.yaml', '--admin', 'http://x'), /^1 error: .*cannot be used with/);
  t.match(await probe(t, '--admin', 'localhost:9901'), /^1 trenchcoat: --admin: expected an http/);
});

await t.test('with an address it loads next to nothing', async (t) => {
  const counts = t.testdir();
  const program = join(import.meta.dirname, '../../bin/trenchcoat.js');
  const args = [program, 'probe', '--admin', `http://127.0.0.1:${await freePort()}`];
  // V8 tells which modules there were.
  const { status } = spawnSync(process.execPath, args, {
    env: { PATH: process.env['PATH'], NODE_V8_COVERAGE: counts },
  });
  t.equal(status, 2);
  const loaded = readdirSync(counts)
    .flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(counts, file), 'utf8')) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url);
    })
    .filter((url) => url.startsWith('file:'));
  const packages = loaded.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  t.strictSame([...new Set(packages)].toSorted(), ['commander', 'leven']);
  const ours = loaded.flatMap((url) => /\/((?:bin|src)\/.*)\.js$/.exec(url)?.[1] ?? []);
  t.strictSame(ours.toSorted(), [
    'bin/trenchcoat',
    'src/cli/admin-client',
    'src/cli/probe',
    'src/cli/program',
    'src/cli/report',
    'src/config/errors',
    'src/config/http-url',
    'src/package',
  ]);
});
