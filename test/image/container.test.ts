import t, { type Test } from 'tap';
import { chmodSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { readAnswer, request, until } from '../support/client.ts';
import { evenFlags, flagged, rolledOut } from '../support/proxy.ts';
import { freePort } from '../support/redis.ts';
import { startUpstream } from '../support/upstream.ts';
import { ensureBase } from './base.ts';
import { buildImage, image } from './build.ts';
import { idleMegabytes, startContainer, type Container } from './container.ts';
import { named, packagesBelow, productionPackages } from './packages.ts';
import { output, plainly, podman, skipWithoutPodman } from './podman.ts';

/** What a sidecar may cost. */
const budget = { imageMB: 200, listeningMs: 500, idleMB: 90 };

const skip = skipWithoutPodman();
if (skip === false) {
  // The first time, everything is built from nothing.
  t.setTimeout(300_000);
  const times = [performance.now()];
  const base = await ensureBase();
  times.push(performance.now());
  await buildImage(base);
  times.push(performance.now());
  const [based, built] = times.slice(1).map((time, i) => ((time - (times[i] ?? 0)) / 1000).toFixed(1));
  t.comment(`base in ${based} s, image in ${built} s`);
}

/** A proxy in a container before two versions of an API, both of which answer by `serve`. */
async function startSidecar(t: Test, serve: http.RequestListener) {
  const v0 = await startUpstream(t, serve);
  const v1 = await startUpstream(t, serve);
  const port = await freePort();
  const yaml = `listen: 127.0.0.1:${port}\nadmin: 127.0.0.1:0\n${flagged(v0.url, v1.url).replace('drain: 1s', 'drain: 30s')}`;
  const folder = t.testdir({ 'trenchcoat.yaml': yaml, 'flags.yaml': evenFlags });
  chmodSync(folder, 0o755);
  const container = await startContainer(image, folder, { heard: (line) => t.comment(line) });
  t.teardown(() => container.remove());
  return { container, port, folder, v0, v1 };
}

const asking = (who: string) => ({ headers: { cookie: `uid=${who}` } });

/** The exit code of a command within the container, and what it said. */
async function inside({ name }: Container, ...command: string[]): Promise<string> {
  const said = await output('podman', [...plainly, 'exec', name, ...command]).catch(String);
  return said.trim();
}

const rollout = (container: Container, ...args: string[]): Promise<string> =>
  inside(container, 'trenchcoat', 'rollout', ...args, '--admin', container.admin);

/**
 * The image's own health check, within the container. Its address is the default one, which here may be somebody else's:
 * that of the container stands in for it.
 */
async function health(container: Container): Promise<string> {
  const image = await podman('inspect', '--format', '{{json .Config.Healthcheck.Test}}', container.name);
  const [kind, ...command] = JSON.parse(image) as string[];
  if (kind !== 'CMD' || command.at(-1) !== 'http://127.0.0.1:9901') throw new Error(`health check: ${image}`);
  return inside(container, ...command.slice(0, -1), container.admin);
}

await t.test('the image, its start and its rest cost no more than a sidecar may', { skip }, async (t) => {
  const bytes = Number(await podman('image', 'inspect', '--format', '{{.Size}}', image));
  const starts: { listeningMs: number; cpuMs: number; idle: number }[] = [];
  // Other tests run beside this one. The clock counts what they take, the processor's time what the program does after it
  // listens, and in other threads: either is more than a start takes when nothing disturbs it, so one good one will do.
  const least = () => Math.min(...starts.flatMap((start) => [start.listeningMs, start.cpuMs]));
  while (starts.length < 3 || (starts.length < 8 && least() > budget.listeningMs)) {
    const { container } = await startSidecar(t, (_req, res) => void res.end());
    const idle = await idleMegabytes(container.pid);
    await container.remove();
    starts.push({ ...container, idle });
  }
  const [, idle = 0] = starts.map((start) => start.idle).toSorted((a, b) => a - b);
  for (const start of starts)
    t.comment(
      `listening after ${start.listeningMs.toFixed(0)} ms (${start.cpuMs.toFixed(0)} ms of CPU time), idle with ${start.idle.toFixed(0)} MB`,
    );
  t.ok(bytes / 1e6 <= budget.imageMB, `an image of ${bytes} bytes`);
  t.ok(least() <= budget.listeningMs, `listening after ${least().toFixed(0)} ms`);
  t.ok(idle <= budget.idleMB, `idle with ${idle.toFixed(0)} MB`);
});

await t.test('it serves both versions, and a stream piece by piece', { skip }, async (t) => {
  const { container, port, v0, v1 } = await startSidecar(t, (req, res) => {
    res.write(`${req.url} `);
    if (req.url === '/fact/') return res.end('whole');
    setTimeout(() => res.end('end'), 50);
  });
  t.match(await request(port, '/fact/', asking('alice')), {
    status: 200,
    headers: { 'x-api-version': '0' },
    body: '/fact/ whole',
  });
  t.match(await request(port, '/fact/', asking('bob')), { status: 200, headers: { 'x-api-version': '1' } });
  t.match(await request(port, '/fact/stream', asking('bob')), { body: '/fact/stream end', cut: false });
  t.strictSame([v0.seen.length, v1.seen.length], [1, 2]);

  t.equal(await health(container), 'ready');
  t.equal(await inside(container, 'trenchcoat', 'probe', 'live', '--admin', container.admin), 'live');
  t.match(await inside(container, 'trenchcoat', 'check'), /trenchcoat\.yaml/);
  t.match(await inside(container, 'sh', '-c', 'true'), /sh.*not found/, 'there is no shell');
  const page = await request(Number(new URL(container.admin).port), '/');
  t.match(page, { status: 200, body: /<script type="module"/ }, 'the dashboard is there');
});

await t.test('on SIGTERM a stream under way ends whole, then the container with 0', { skip }, async (t) => {
  const streams: http.ServerResponse[] = [];
  const { container, port } = await startSidecar(t, (_req, res) => {
    res.write('first,');
    streams.push(res);
  });
  const req = http.get({ port, path: '/fact/', agent: false, ...asking('bob') });
  const res = await new Promise<http.IncomingMessage>((resolve) => req.on('response', resolve));

  await podman('kill', '--signal', 'TERM', container.name);
  await until(() => container.lines.some((line) => line.includes('"msg":"stopping"')), 'it has heard');
  t.match(await health(container), /is not ready\n +proxy +draining/);
  await t.rejects(request(port, '/fact/'), { code: 'ECONNREFUSED' });
  for (const stream of streams) stream.end('last');
  t.match(await readAnswer(res), { status: 200, body: 'first,last', cut: false });
  t.equal(await container.ended, 0);
  t.notMatch(container.lines.join('\n'), /"level":"(warn|error|fatal)"/, 'and had nothing to complain of');
});

await t.test('what must outlive it is kept in its volume', { skip }, async (t) => {
  const upstream = await startUpstream(t, (_req, res) => void res.end());
  const state = 'file:/var/lib/trenchcoat/state.json';
  const yaml = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${rolledOut(upstream.url, upstream.url, { state })}`;
  const folder = t.testdir({ 'trenchcoat.yaml': yaml });
  const volume = `trenchcoat-${process.pid}`;
  t.teardown(() => podman('volume', 'rm', volume));

  const first = await startContainer(image, folder, { volume });
  t.teardown(() => first.remove());
  await rollout(first, 'pause', '--why', 'raccoons asleep');
  await first.remove();
  const second = await startContainer(image, folder, { volume });
  t.teardown(() => second.remove());
  t.match(await rollout(second, 'status'), /paused[^]*raccoons asleep/);
  await second.remove();
});

await t.test('what it consists of is what it needs', { skip }, async (t) => {
  const folder = t.testdir();
  const container = await podman('create', image);
  t.teardown(() => podman('rm', '--volumes', container));
  const tar = join(folder, 'image.tar');
  await podman('export', '--output', tar, container);
  const files = (await output('tar', ['-tf', tar])).split('\n').filter((file) => !file.endsWith('/'));
  const odd = files.filter(
    (file) =>
      !/^(app\/(dist|config|src|node_modules)\/|(usr\/)?lib(64)?\/)/.test(file) &&
      // What the container's runtime puts there.
      !/^(dev|proc|sys|run)\//.test(file),
  );
  t.strictSame(odd.toSorted(), [
    'app/LICENSE',
    'app/package-lock.json',
    'app/package.json',
    'etc/group',
    'etc/nsswitch.conf',
    'etc/passwd',
    'etc/ssl/certs/ca-certificates.crt',
    'usr/local/bin/node',
    'usr/local/bin/trenchcoat',
  ]);
  t.strictSame(
    files.filter((file) => /^app\/(?!node_modules).*(\/test\/|\.tsx?$)/.test(file)),
    [],
    'neither tests nor sources',
  );
  await output('tar', ['-xf', tar, '-C', folder, 'app']);
  const contained = packagesBelow(join(folder, 'app'));
  t.strictSame(named(contained), named(await productionPackages()), 'packages: those that it needs to run');
});
