import t from 'tap';
import { execFile } from 'node:child_process';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { request, until } from '../support/client.ts';
import { run, runHere, startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const free = 'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n';

await t.test('run serves until it is told to stop, and lets requests end', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => void setTimeout(() => res.end('late'), 300));
  const folder = t.testdir({
    'trenchcoat.yaml': free + flagged(upstream.url, upstream.url),
    'flags.yaml': evenFlags,
  });
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
  const inFlight = request(proxy.port, '/fact/', { headers: { cookie: 'uid=alice' } });
  await until(() => upstream.seen.length === 1, 'under way');
  proxy.child.kill('SIGTERM');
  t.match(await inFlight, { status: 200, body: 'late' });
  const { code, stderr, stdout } = await proxy.ended;
  t.equal(code, 0);
  t.equal(stderr, '', 'nothing is said but log lines');
  t.match(stdout, /"path":"\/fact\/"/, 'the last access line is not lost');
});

await t.test('a second signal does not wait', async (t) => {
  const upstream = await startUpstream(t, () => {});
  const yaml = free + flagged(upstream.url, upstream.url).replace('drain: 1s', 'drain: 1h');
  const folder = t.testdir({ 'trenchcoat.yaml': yaml, 'flags.yaml': evenFlags });
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
  request(proxy.port, '/fact/').catch(() => {});
  await until(() => upstream.seen.length === 1, 'under way');
  proxy.child.kill('SIGINT');
  await until(() => proxy.output.stdout.includes('"stopping"'), 'the first is heard');
  proxy.child.kill('SIGINT');
  t.equal((await proxy.ended).code, 1);
});

await t.test('a taken port is one clear line and exit 2', async (t) => {
  const taken = net.createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const folder = t.testdir({
    'trenchcoat.yaml': `listen: 127.0.0.1:${port}\nadmin: off\n${flagged('http://127.0.0.1:9', 'http://127.0.0.1:9')}`,
    'flags.yaml': evenFlags,
  });
  const expected = new RegExp(
    `^trenchcoat: cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken[^\\n]*\\n$`,
  );
  const proxy = await run(t, ['run', '-c', join(folder, 'trenchcoat.yaml')]);
  t.match(proxy, { code: 2, stderr: expected, stdout: '' });
  t.match(await run(t, ['demo', '--port', String(port)]), { code: 2, stderr: expected, stdout: '' });
});

await t.test(
  'the file is -c, then $TRENCHCOAT_CONFIG, then ./trenchcoat.yaml; a mistake in it is exit 1',
  async (t) => {
    const folder = t.testdir({ 'trenchcoat.yaml': 'lisen: 1\n', 'other.yaml': 'rout: 1\n' });
    const other = join(folder, 'other.yaml');
    t.match(await run(t, [], { cwd: folder }), { code: 1, stderr: /trenchcoat\.yaml:1:1 lisen: .*`listen`/ });
    const env = { TRENCHCOAT_CONFIG: other };
    t.match(await run(t, ['run'], { cwd: folder, env }), { code: 1, stderr: /other\.yaml:1:1 rout/ });
    t.match(await run(t, ['-c', join(folder, 'trenchcoat.yaml')], { env }), { code: 1, stderr: /lisen/ });
    const missing = await run(t, ['run', '-c', join(folder, 'nothing.yaml')]);
    t.match(missing, { code: 1, stderr: /nothing\.yaml/ });
    t.notMatch(missing.stderr, /\n\s+at /, 'no stack');
  },
);

await t.test("a flag file that is broken at the start is the user's mistake", async (t) => {
  const folder = t.testdir({
    'trenchcoat.yaml': free + flagged('http://127.0.0.1:9', 'http://127.0.0.1:9'),
    'flags.yaml': 'flags: { facts: { on: yes } }',
  });
  t.match(await run(t, ['run', '-c', join(folder, 'trenchcoat.yaml')]), {
    code: 1,
    stderr: /flags\.yaml:1:/,
  });
});

await t.test('help, version, and what is not a command', async (t) => {
  const help = await runHere(t, ['--help']);
  t.match(help, { code: 0, stderr: '' });
  for (const command of ['run', 'check', 'explain', 'schema', 'init', 'demo'])
    t.match(help.stdout, new RegExp(`^  ${command} `, 'm'));
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.match(await run(t, ['--version']), { code: 0, stdout: `${version}\n` });
  t.match(await runHere(t, ['chek']), { code: 1, stderr: /check/ });
  t.match(await runHere(t, ['explain']), { code: 1, stderr: /--path/ });
  t.match(await runHere(t, ['demo', '--port', 'x']), { code: 1, stderr: /port/i });
});

await t.test('npx finds the program in a checkout', async (t) => {
  // With scripts, npx would build the checkout once more, and clear `dist` for it.
  const settings = { npm_config_ignore_scripts: 'true', npm_config_update_notifier: 'false' };
  const env = { ...process.env, ...settings, npm_config_cache: t.testdir() };
  const { stdout } = await promisify(execFile)('npx', ['trenchcoat', 'schema'], { env });
  t.match(JSON.parse(stdout), { type: 'object' });
});
