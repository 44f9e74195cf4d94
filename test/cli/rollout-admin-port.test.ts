import t, { type Test } from 'tap';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ask } from '../../src/cli/admin-client.ts';
import { runHere } from '../support/command.ts';
import { minimal } from '../support/config.ts';
import { aRollout, startRolloutAdmin } from '../support/rollout-admin.ts';

/** Runs `rollout status`; its exit code and all that it said. */
async function status(t: Test, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(t, ['rollout', 'status', ...args]);
  return `${code} ${stdout}${stderr}`;
}

/** With these lines of configuration. */
const configured = (t: Test, yaml: string) =>
  status(t, '-c', join(t.testdir({ 'trenchcoat.yaml': minimal + yaml }), 'trenchcoat.yaml'));

/** A server of some other kind. */
async function serve(t: Test, server: net.Server | http.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (status: number, type: string, body: string) =>
  http.createServer((_req, res) => void res.writeHead(status, { 'content-type': type }).end(body));

await t.test('the configuration tells address and token', async (t) => {
  const open = await startRolloutAdmin(t, [aRollout()]);
  const guarded = await startRolloutAdmin(t, [aRollout()], { config: { token: 's3cret' } });
  const fine = /^0 facts: in progress/;
  t.match(await configured(t, `admin: 127.0.0.1:${open.port}\n`), fine);
  const address = (host: string, token: string) =>
    `admin: { address: "${host}:${guarded.port}", token: ${token} }\n`;
  t.match(await configured(t, address('127.0.0.1', 's3cret')), fine);
  t.match(
    await configured(t, address('0.0.0.0', 's3cret')),
    fine,
    'bound to every address, asked on loopback',
  );
  t.match(await configured(t, address('127.0.0.1', 'stale')), /^1 trenchcoat: \S+ refuses the token; /);
});

const loopback6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
const skip = loopback6 ? false : 'no IPv6 on this machine';

await t.test('an admin port on every IPv6 address is asked on ::1', { skip }, async (t) => {
  const config = { token: 's3cret', address: { host: '::', port: 0 } };
  const { port } = await startRolloutAdmin(t, [aRollout()], { config });
  t.match(
    await configured(t, `admin: { address: "[::]:${port}", token: s3cret }\n`),
    /^0 facts: in progress/,
  );
});

await t.test('--admin and --token do without a configuration', async (t) => {
  const { url } = await startRolloutAdmin(t, [aRollout()], { config: { token: 's3cret' } });
  t.match(await status(t, '--admin', url, '--token', 's3cret'), /^0 facts: in progress/);
  t.equal(
    await status(t, '--admin', url),
    `1 trenchcoat: ${url} wants a token; give it with --token TOKEN, or with -c FILE as admin.token\n`,
  );
  t.match(await status(t, '--admin', url, '--token', 'guess'), /^1 trenchcoat: \S+ refuses the token; /);
  t.match(await status(t, '--admin', url, '--token', 'a\nb'), /^1 trenchcoat: --token: .* visible ASCII/);
  t.match(await status(t, '--admin', url, '-c', 'x.yaml'), /^1 error: .*cannot be used with/);
  for (const wrong of ['127.0.0.1:9901', 'localhost:9901', 'ftp://x', '', 'http://u:secret@h']) {
    const said = await status(t, '--admin', wrong);
    t.match(said, /^1 trenchcoat: --admin: expected an http:\/\/ or https:\/\/ address/, wrong);
    t.notMatch(said, 'secret');
  }
  t.match(await status(t, '--admin', url.replace('127.0.0.1', 'localhost'), '--token', 's3cret'), /^0 /);
});

await t.test('a configuration that names no port to ask says so', async (t) => {
  t.match(await configured(t, 'admin: off\n'), /^1 trenchcoat: \S+trenchcoat\.yaml: admin is off, .*\n$/);
  t.match(await configured(t, 'admin: 127.0.0.1:0\n'), /^1 trenchcoat: \S+: admin has port 0, .*--admin URL/);
  t.match(await status(t, '-c', 'nothing.yaml'), /^1 nothing\.yaml:1:1 no such file/);
});

await t.test('where LaunchDarkly runs the rollouts, every command says so', async (t) => {
  const elsewhere =
    /^1 trenchcoat: .*started, paused and stopped there: change the flag's rollout in LaunchDarkly\n$/;
  t.match(await configured(t, 'flags: { source: launchdarkly, sdkKey: sdk-x }\n'), elsewhere);
  const { url } = await startRolloutAdmin(t, [], { rollouts: undefined });
  for (const args of [['status'], ['status', 'facts'], ['watch'], ['start', 'facts']]) {
    const { code, stderr } = await runHere(t, ['rollout', ...args, '--admin', url]);
    t.match(`${code} ${stderr}`, elsewhere, args.join(' '));
  }
});

await t.test('a proxy that does not run is exit 2', async (t) => {
  const { url, close } = await startRolloutAdmin(t, []);
  await close();
  const expected = new RegExp(`^2 trenchcoat: nothing listens on ${url}; start the proxy with .*\\n$`);
  t.match(await status(t, '--admin', url), expected);
  t.match(await configured(t, `admin: ${url.slice('http://'.length)}\n`), expected);
});

await t.test('what answers, and is no admin port, is told apart', async (t) => {
  const stranger = /^1 trenchcoat: \S+ does not answer as trenchcoat's admin port does: [^\n]*\n$/;
  const problem = '{"type":"about:blank","title":"\\u001bNothing","status":404}';
  const servers: [string, net.Server | http.Server][] = [
    ['a page', answering(200, 'text/html', '<h1>hello</h1>')],
    ['other JSON', answering(200, 'application/json', '{"rollouts":[{"flag":"x"}]}')],
    ['broken JSON', answering(200, 'application/json', '{"rollouts":')],
    ['a list', answering(200, 'application/json', '[]')],
    ['not found', answering(404, 'text/plain', 'no')],
    ['not found by an older one', answering(404, 'application/problem+json', problem)],
    ['a redirect', answering(302, 'text/plain', '')],
    ['an endless answer', http.createServer((_req, res) => void res.end(Buffer.alloc(17 * 1024 ** 2)))],
    ['no HTTP', net.createServer((socket) => void socket.on('error', () => {}).end('220 smtp\r\n'))],
  ];
  for (const [what, server] of servers)
    t.match(await status(t, '--admin', await serve(t, server)), stranger, what);
  const cut = net.createServer((socket) => void socket.on('error', () => {}).destroy());
  t.match(
    await status(t, '--admin', await serve(t, cut)),
    /^2 trenchcoat: \S+ cannot be asked \(ECONNRESET\)/,
  );
  const fault = '{"title":"The admin port failed","status":500}';
  t.match(
    await status(t, '--admin', await serve(t, answering(500, 'application/problem+json', fault))),
    /^2 trenchcoat: \S+ cannot do this now: The admin port failed\n$/,
  );
  t.match(
    await status(t, '--admin', await serve(t, answering(421, 'application/problem+json', '{}'))),
    /^1 trenchcoat: \S+ does not serve this host name; /,
  );
});

await t.test(
  'who does not answer in time is given up, and an act that may be done is called so',
  async (t) => {
    const url = new URL(
      await serve(
        t,
        net.createServer((socket) => void socket.on('error', () => {})),
      ),
    );
    const asking = { path: '/api/rollouts', within: 100 };
    await t.rejects(ask({ url }, { ...asking, method: 'GET' }), {
      name: 'EnvironmentError',
      message: /did not answer within 0\.1 s; see the proxy's log/,
    });
    await t.rejects(ask({ url }, { ...asking, method: 'POST' }), {
      name: 'EnvironmentError',
      message: /did not answer within 0\.1 s, and whether it did as asked is not known/,
    });
    const halfWay = http.createServer((_req, res) => void res.writeHead(200).write('{'));
    t.teardown(() => halfWay.closeAllConnections());
    const half = new URL(await serve(t, halfWay));
    await t.rejects(ask({ url: half }, { ...asking, method: 'GET' }), { message: /did not answer within/ });
  },
);
