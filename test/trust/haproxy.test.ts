import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { request, until } from '../support/client.ts';
import { skipWithout } from '../support/programs.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { doors } from '../support/spoken.ts';
import { startUpstream, unusedPort } from '../support/upstream.ts';

/** All that HAProxy can say of a connection, and in which words. */
const ways = [
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2-ssl-cn',
  'send-proxy-v2 proxy-v2-options authority,crc32c,unique-id,ssl,cert-cn,ssl-cipher,cert-sig,cert-key',
];

const files = { 'flags.yaml': evenFlags, 'cert.pem': selfSigned.cert, 'key.pem': selfSigned.key };

for (const { name, listen, speak } of doors)
  await t.test(`HAProxy in front of ${name}`, { skip: skipWithout('haproxy') }, async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.end());
    const how = `listen: { address: "127.0.0.1:0", proxyProtocol: true${listen} }\n`;
    const proxy = await startProxy(
      t,
      how + flagged(upstream.url, upstream.url, 'trustedProxies: [127.0.0.1]'),
      files,
    );
    const ports = await Promise.all(ways.map(unusedPort));
    const config = join(t.testdir({}), 'haproxy.cfg');
    writeFileSync(
      config,
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
${ways.map((way, i) => `listen way${i}\n  bind 127.0.0.1:${ports[i]}\n  unique-id-format %pid-%ci-%cp\n  server proxy 127.0.0.1:${proxy.port} check inter 50ms ${way}\n`).join('')}`,
    );
    const program = spawn('haproxy', ['-db', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    program.stderr.on('data', (chunk) => (said += String(chunk)));
    t.teardown(() => program.kill('SIGKILL'));
    for (const [i, way] of ways.entries()) {
      const port = ports[i] ?? 0;
      // As another client than HAProxy itself is.
      const socket = await until(async () => {
        const one = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
        return once(one, 'connect').then(
          () => one,
          () => undefined,
        );
      }, `HAProxy; it said ${said}`);
      const headers = { cookie: 'uid=alice', 'x-forwarded-for': '203.0.113.5' };
      t.same(await speak(socket, '/fact/', headers, 2), [200, 200], way);
      t.same(
        upstream.seen.slice(-2).map((seen) => seen.headers['x-forwarded-for']),
        ['127.0.0.9', '127.0.0.9'],
        way,
      );
      socket.destroy();
    }
    t.notMatch(said, /is DOWN/, 'its looks whether we are up are taken, too');
    // They end by a reset, which can be here before the connection is looked at.
    const { body } = await request(proxy.adminPort, '/metrics');
    t.notMatch(body, /^trenchcoat_refused_total\{/m, '… and counted as nothing refused');
  });
