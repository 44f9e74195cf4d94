import t from 'tap';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { request } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { mixedTraffic } from '../support/mixed-traffic.ts';
import { startUpstream, unusedPort } from '../support/upstream.ts';

const rate = 500;

/** A fact, or a stream of half a second that ends with one. */
const answer = (name: string) => (req: IncomingMessage, res: ServerResponse) => {
  req.resume();
  if (req.url !== '/fact/stream') return void req.on('end', () => res.end(name));
  const pieces = setInterval(() => res.write('.'), 50);
  setTimeout(() => {
    clearInterval(pieces);
    res.end(name);
  }, 500);
};

// The version, the body and Vary of an answer are of one configuration.
const wrong = ({ headers }: IncomingMessage, body: string) => {
  const version = String(headers['x-api-version']);
  const whole = body.endsWith(version) && headers.vary === `x-${version}`;
  return whole ? undefined : `half of each: ${version}, ${body.slice(-1)}, ${headers.vary}`;
};

for (const workers of [1, 2])
  await t.test(`ten reloads and three restarts under load, with ${workers} in front`, async (t) => {
    const upstreams = { a: await startUpstream(t, answer('a')), b: await startUpstream(t, answer('b')) };
    for (const { server } of Object.values(upstreams)) {
      const sockets = new WebSocketServer({ server });
      t.teardown(() => sockets.close());
      sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    }
    const [port, adminPort] = [await unusedPort(), await unusedPort()];
    const yaml = (which: 'a' | 'b', n: number) => `
listen: 127.0.0.1:${port}
admin: 127.0.0.1:${adminPort}
workers: ${workers}
upstreams: { ${which}: { url: "${upstreams[which].url}" } }
routes: [{ name: n${n}, match: { path: /fact/ }, flag: none, versions: { ${which}: ${which} }, default: ${which} }]
context: { user: { key: [{ header: X-${which} }], anonymous: off } }
limits: { headerCount: ${50 + n} }
log: { access: false }
shutdown: { delay: 300ms, drain: 10s }
state: memory
`;
    const file = join(t.testdir({ 'trenchcoat.yaml': yaml('a', 0) }), 'trenchcoat.yaml');
    let proxy = await startRun(t, file);

    const traffic = mixedTraffic(t, port, { rate, sockets: 10, wrong });
    await delay(500);
    for (let n = 1; n <= 10; n += 1) {
      writeFileSync(file, yaml(n % 2 === 0 ? 'a' : 'b', n));
      const { status, body } = await request(adminPort, '/api/reload', { method: 'POST' });
      t.equal(status, 200, body);
      await delay(300);
    }
    t.same(traffic.failures, [], 'no reload failed a request');
    t.match(traffic.counts, { refused: 0, reset: 0 }, 'or refused one');
    t.equal(traffic.counts.goneAway, 0, 'or ended a tunnel');

    for (let n = 0; n < 3; n += 1) {
      proxy.child.kill('SIGTERM');
      t.match(await proxy.ended, { code: 0, stderr: '' });
      proxy = await startRun(t, file);
      await delay(500);
    }
    await traffic.stop();
    t.same(traffic.failures, [], 'no restart failed a request in a way that clients do not expect');
    t.equal(traffic.counts.goneAway, 30, 'each tunnel was told each time');
    const { counts } = traffic;
    t.ok(counts.served > 500 && counts.streams > 10 && counts.uploads > 10 && counts.echoes > 500);
    t.comment(JSON.stringify(counts));
    proxy.child.kill('SIGTERM');
    await once(proxy.child, 'exit');
  });
