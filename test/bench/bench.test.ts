import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { nodes } from '../support/node-versions.ts';
import { processTree } from './cpu.ts';
import { hasPeers } from './peers.ts';
import { until } from './place.ts';
import { missing } from './programs.ts';
import type { Report } from './report.ts';

const lacking = [
  ...missing(['taskset', 'wrk', 'nginx', 'haproxy']),
  ...(hasPeers() ? [] : ['the other proxies for Node, which `npm run bench` gets']),
];
const noNode = skipWithoutNode26();
const skip =
  lacking.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${lacking.join(', ')}` : false;

// Twelve contenders, each started and loaded for a second, and a few under other loads.
t.setTimeout(180_000);

/** For tap's `skip`. */
function skipWithoutNode26(): string | false {
  const missing = process.env['CI'] !== 'true' && !existsSync(nodes.get('node26')?.path ?? '');
  return missing ? 'no Node 26 on this machine; CONTRIBUTING.md says how to get it' : false;
}

/** The benchmark as it is run by hand; its files go below `folder`. */
function startBench(
  t: Test,
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const program = join(import.meta.dirname, 'main.js');
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, TMPDIR: folder, ...env },
  });
  t.teardown(() => void child.kill());
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code]): unknown => code);
  return { child, ended, output: () => output };
}

const filesIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('trenchcoat-'));

/** One short round, to its end. */
async function measured(t: Test, args: string[]) {
  const folder = t.testdir({ tmp: {} });
  const out = join(folder, 'bench.json');
  const short = ['--rounds=1', '--seconds=1', '--warm-up=0', `--out=${out}`];
  const bench = startBench(t, join(folder, 'tmp'), [...args, ...short]);
  t.equal(await bench.ended, 0, bench.output());
  const report: Report = JSON.parse(readFileSync(out, 'utf8'));
  return { bench, folder, report };
}

await t.test('one short round measures every contender', { skip, timeout: 150_000 }, async (t) => {
  const { bench, folder, report } = await measured(t, []);
  t.equal(report.node, process.version);
  t.same(
    report.measured.map(({ scenario }) => scenario),
    ['cpu'],
  );
  const names = ['direct', 'nginx', 'haproxy', 'http-proxy', 'httpxy', 'fastify', 'undici', 'ours'];
  const contenders = report.measured.flatMap(({ contenders }) => contenders);
  t.same(
    contenders.map(({ name }) => name).filter((name) => name !== 'http-proxy-3'),
    [...names, 'unguarded', 'workers', 'silent'],
  );
  for (const { name, rounds, medians } of contenders) {
    t.equal(rounds.length, 1, `${name}: one round`);
    const { cpu, requests, perSecond, megabytes, p50, p99, p999 } = medians;
    for (const [figure, value] of Object.entries({ cpu, requests, perSecond, megabytes, p50, p99, p999 }))
      t.ok(value > 0, `${name}: ${figure} ${value}`);
    t.match(bench.output(), new RegExp(`^${name} +\\d`, 'm'), `${name} is in the table`);
  }
  t.same(filesIn(join(folder, 'tmp')), [], 'no file is left');
});

await t.test('other loads, on another Node', { skip: skip || noNode, timeout: 120_000 }, async (t) => {
  const { bench, report } = await measured(t, [
    '--what=latency,body-10k,tls,messages,routes,events,allocation,profile',
    '--only=ours,routes-100,sampled',
    '--node=26',
  ]);
  t.match(report.node, /^v26\./);
  const told = Object.fromEntries(
    report.measured.map(({ scenario, contenders }) => [scenario, contenders.map(({ name }) => name)]),
  );
  const ours = ['ours'];
  t.same(told, {
    latency: ours,
    'body-10k': ours,
    tls: ours,
    messages: ours,
    routes: ['routes-100'],
    events: ['sampled'],
    allocation: ours,
  });
  for (const { scenario, contenders } of report.measured)
    for (const { medians } of contenders)
      t.ok(medians.p50 > 0 && medians.cpu > 0 && medians.requests > 0, `${scenario} is measured`);
  const of = (name: string) =>
    report.measured.find(({ scenario }) => scenario === name)?.contenders[0]?.medians;
  t.ok(
    (of('body-10k')?.megabytes ?? 0) > (of('body-10k')?.perSecond ?? 0) / 100,
    'bodies of 10 KB come whole',
  );
  // Far off either way it would count something else.
  const allocated = of('allocation')?.allocated ?? 0;
  t.ok(allocated > 2000 && allocated < 200_000, `${allocated} bytes a request`);
  t.match(bench.output(), /%  Node$/m, 'the profile says whose code it was');
  t.match(bench.output(), /proxy\/handle\.js/, 'and which functions');
});

await t.test('says how it is used', async (t) => {
  const bench = startBench(t, t.testdir(), ['--help']);
  t.equal(await bench.ended, 0);
  t.match(bench.output(), /^usage: [^]*latency[^]*fastify[^]*--node/);
});

await t.test('an interrupted benchmark leaves nothing behind', { skip, timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const bench = startBench(t, folder, ['--rounds=1', '--seconds=60', '--only=nginx']);
  // Itself, two of nginx each with a worker, and wrk.
  const started = await until(
    () => {
      const pids = [...processTree(bench.child.pid ?? 0).keys()];
      return pids.length >= 6 ? pids : undefined;
    },
    () => `the load did not start: ${bench.output()}`,
  );
  bench.child.kill('SIGINT');
  t.equal(await bench.ended, 130, bench.output());
  await until(
    () => (started.every((pid) => processTree(pid).size === 0) ? true : undefined),
    () => `left running: ${started.filter((pid) => processTree(pid).size > 0).join(', ')}`,
  );
  t.same(filesIn(folder), [], 'no file is left');
});

await t.test('says in one line what is not installed', async (t) => {
  const folder = t.testdir();
  const bench = startBench(t, folder, [], { PATH: '' });
  t.equal(await bench.ended, 2);
  t.match(bench.output(), /^bench: not installed: .*wrk.*\n$/);
});

await t.test('refuses a contender that there is not', async (t) => {
  const bench = startBench(t, t.testdir(), ['--only=ours,apache']);
  t.equal(await bench.ended, 1);
  t.match(bench.output(), /^usage: [^]*direct, nginx, haproxy, http-proxy/);
});
