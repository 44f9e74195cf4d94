import t from 'tap';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { run, startRun } from '../support/command.ts';
import { startUpstream } from '../support/upstream.ts';

// The program itself, since signals and files are its business.

await t.test('a change of the file, a signal and a command have it read again', async (t) => {
  const upstream = await startUpstream(t, (req, res) => res.end(req.url));
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'trenchcoat.yaml');
  const yaml = (base: string) => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstreams: { api: { url: "${upstream.url}/${base}" } }
routes: [{ name: all, upstream: api }]
`;
  writeFileSync(file, yaml('first'));
  const proxy = await startRun(t, file);
  const served = async () => (await request(proxy.port, '/')).body;
  const serves = (base: string) => until(async () => (await served()) === `/${base}/`, `${base} is served`);
  t.equal(await served(), '/first/');

  writeFileSync(file, yaml('written'));
  await serves('written');

  writeFileSync(join(folder, 'next'), yaml('renamed'));
  renameSync(join(folder, 'next'), file);
  await serves('renamed');

  writeFileSync(file, yaml('asked'));
  const admin = `http://127.0.0.1:${proxy.adminPort}`;
  const reloaded = await run(t, ['reload', '--admin', admin]);
  t.match(reloaded, { code: 0, stdout: /^(reloaded: upstreams|nothing has changed)\n$/ });
  t.equal(await served(), '/asked/', 'when the command is over');

  writeFileSync(file, 'routes: [');
  const refused = await run(t, ['reload', '--admin', admin]);
  t.match(refused, { code: 1, stderr: /trenchcoat.yaml:1:\d+/ });
  t.equal(await served(), '/asked/');

  writeFileSync(file, yaml('signalled'));
  proxy.child.kill('SIGHUP');
  await serves('signalled');
  await until(
    () => /"asker":"signal","msg":"the configuration was read again"/.test(proxy.output.stdout),
    'told',
  );
  proxy.child.kill('SIGTERM');
  t.match(await proxy.ended, { code: 0, stderr: '' });
});

await t.test('a ConfigMap that swaps its symlink is read again', async (t) => {
  // The kubelet writes a folder, and renames a new symlink `..data` over the old one; the file's own symlink stays.
  const upstream = await startUpstream(t, (req, res) => res.end(req.url));
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const publish = (name: string) => {
    mkdirSync(join(folder, name));
    const yaml = `
listen: 127.0.0.1:0
admin: off
upstreams: { api: { url: "${upstream.url}/${name}" } }
routes: [{ name: all, upstream: api }]
`;
    writeFileSync(join(folder, name, 'trenchcoat.yaml'), yaml);
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  publish('one');
  symlinkSync('..data/trenchcoat.yaml', join(folder, 'trenchcoat.yaml'));
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
  t.match(await request(proxy.port, '/'), { body: '/one/' });
  publish('two');
  await until(async () => (await request(proxy.port, '/')).body === '/two/', 'the new one is served');
});
