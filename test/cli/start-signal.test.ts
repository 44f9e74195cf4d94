import net from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../support/client.ts';
import { start } from '../support/command.ts';
import { minimal } from '../support/config.ts';

/** LaunchDarkly behind a firewall: it takes connections and never says a word. */
async function blackHole(t: { teardown(close: () => void): unknown }) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, sockets };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  await t.test(`${signal} while the start waits for LaunchDarkly ends it at once`, async (t) => {
    const { port, sockets } = await blackHole(t);
    const flags = `flags: { source: launchdarkly, sdkKey: sdk, relay: "http://127.0.0.1:${port}", initTimeout: 30s }\n`;
    const folder = t.testdir({ 'trenchcoat.yaml': `listen: 127.0.0.1:0\nadmin: off\n${flags}${minimal}` });
    const proxy = start(t, ['run', '-c', join(folder, 'trenchcoat.yaml')]);
    await until(() => sockets.size > 0, 'the start waits', 15_000);
    const signalled = performance.now();
    proxy.child.kill(signal);
    const { code, stdout, stderr } = await proxy.ended;
    t.equal(code, 0);
    t.ok(performance.now() - signalled < 5000, 'promptly');
    t.match(stdout, new RegExp(`"signal":"${signal}".*"stopping"`));
    t.notMatch(stdout, '"ready"');
    t.equal(stderr, '');
  });
