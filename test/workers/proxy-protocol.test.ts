import t from 'tap';
import { request } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { proxyHeader1, proxyHeader2 } from '../support/proxy-header.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { begun, doors } from '../support/spoken.ts';
import { startUpstream } from '../support/upstream.ts';

const files = { 'flags.yaml': evenFlags, 'cert.pem': selfSigned.cert, 'key.pem': selfSigned.key };

for (const { name, listen, speak } of doors)
  await t.test(
    `${name}, with workers: a connection is handed on with its header, and whoever gets it reads it`,
    async (t) => {
      const upstream = await startUpstream(t, (_req, res) => res.end());
      const how = `listen: { address: "127.0.0.1:0", proxyProtocol: true${listen} }\n`;
      const proxy = await startCrew(
        t,
        how + flagged(upstream.url, upstream.url, 'trustedProxies: [loopback]'),
        files,
      );
      const clients = Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`);
      // In turns, so that each worker gets some.
      await Promise.all(
        clients.map(async (address, i) => {
          const header = i % 4 < 2 ? proxyHeader1(address) : proxyHeader2(address);
          const socket = await begun(proxy.port, header.subarray(0, 7), header.subarray(7));
          t.same(
            await speak(socket, '/fact/', { cookie: 'uid=alice', 'x-forwarded-for': '203.0.113.5' }, 2),
            [200, 200],
          );
          socket.destroy();
        }),
      );
      const told = upstream.seen.map(({ headers }) => headers['x-forwarded-for']).toSorted();
      t.same(told, clients.flatMap((address) => [address, address]).toSorted());
      await t.rejects(
        begun(proxy.port).then((socket) => speak(socket, '/fact/', {})),
        'without one, nobody is served',
      );
      const { status } = await request(proxy.adminPort, '/readyz');
      t.equal(status, 200);
    },
  );
