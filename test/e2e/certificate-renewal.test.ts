import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import t from 'tap';
import { authority } from '../support/authority.ts';
import { until } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { startUpstream } from '../support/upstream.ts';

const ours = authority();
/** New connections a second, and requests on connections that are kept. */
const rate = 60;

for (const workers of [1, 2])
  await t.test(
    `a certificate that is renewed under load fails no request, with ${workers} in front`,
    async (t) => {
      const upstream = await startUpstream(t, (_req, res) => res.end('ok'));
      const first = ours.issue({ names: ['renewal 0', '127.0.0.1'] });
      const folder = t.testdir({
        'site.pem': first.cert,
        'site.key': first.key,
        'trenchcoat.yaml': `
listen: { address: 127.0.0.1:0, tls: { cert: site.pem, key: site.key } }
admin: off
workers: ${workers}
upstreams: { v0: { url: "${upstream.url}" } }
routes: [{ name: all, upstream: v0 }]
log: { access: false }
shutdown: { drain: 2s }
`,
      });
      const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
      const target = { host: '127.0.0.1', port: proxy.port, ca: ours.cert };
      const failures: string[] = [];
      let served = 0;
      const count = (status: unknown) => (status === 200 ? (served += 1) : failures.push(String(status)));
      const kept = new https.Agent({ keepAlive: true });
      const session = http2.connect(`https://127.0.0.1:${proxy.port}`, { ca: ours.cert });
      session.on('error', (error) => failures.push(String(error)));
      const under = new Set<Promise<unknown>>();
      const ask = (agent: https.Agent | false) =>
        new Promise<void>((resolve) => {
          https
            .get({ ...target, path: '/', agent }, (res) => {
              count(res.statusCode);
              res.resume().on('close', resolve);
            })
            .on('error', (error) => {
              failures.push(String(error));
              resolve();
            });
        });
      const stream = () =>
        new Promise<void>((resolve) => {
          const one = session.request({ ':path': '/' }).on('response', (head) => void count(head[':status']));
          one.on('error', (error) => failures.push(String(error)));
          one.resume().on('close', resolve);
        });
      const traffic = setInterval(() => {
        for (const asked of [ask(false), ask(kept), stream()]) {
          under.add(asked);
          void asked.finally(() => under.delete(asked));
        }
      }, 1000 / rate);
      t.teardown(() => {
        clearInterval(traffic);
        kept.destroy();
        session.destroy();
      });

      const shown = async () => {
        const socket = tls.connect({ ...target, servername: '' });
        await once(socket, 'secureConnect');
        const { CN } = socket.getPeerCertificate().subject;
        socket.destroy();
        return CN;
      };
      for (let renewal = 1; renewal <= 3; renewal += 1) {
        const name = `renewal ${renewal}`;
        const next = ours.issue({ names: [name, '127.0.0.1'] });
        writeFileSync(join(folder, 'site.pem'), next.cert);
        // The second comes in halves.
        if (renewal === 2) await delay(600);
        writeFileSync(join(folder, 'site.key'), next.key);
        // Each worker in turn.
        await until(async () => {
          const all = await Promise.all(Array.from({ length: workers * 2 }, shown));
          return all.every((one) => one === name);
        }, name);
      }
      clearInterval(traffic);
      await Promise.all(under);
      t.same(failures, []);
      t.ok(served > 100, `${served} requests were served`);
      proxy.child.kill('SIGTERM');
      const { stdout } = await proxy.ended;
      const told = stdout.split('\n').filter((line) => /certificates were/.test(line));
      t.same(
        told.map((line) => JSON.parse(line).msg.replace(/;.*/, '')),
        [
          'the certificates were renewed',
          'the certificates were changed and are not taken',
          'the certificates were renewed',
          'the certificates were renewed',
        ],
        'told once, however many are in front',
      );
    },
  );
