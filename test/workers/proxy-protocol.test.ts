import t from 'tap';
import { request } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { proxyHeader1, proxyHeader2 } from '../support/proxy-header.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { begun, doors } from '../support/spoken.ts';
import { startUpstream } from '../support/upstream.ts';

const files = { 'flags.yaml': evenFlags, 'cert.pem': selfSigned.cert, 'key.pem': selfSigned.key };

for (const listen of new Set(doors.map((door) => door.listen).filter((more) => more !== '')))
  await t.test(
    `a worker reads the header of a connection that it is handed (${listen.slice(2)})`,
    async (t) => {
      const upstream = await startUpstream(t, (_req, res) => res.end());
      const how = `listen: { address: "127.0.0.1:0", proxyProtocol: true${listen} }\n`;
      const yaml = flagged(upstream.url, upstream.url, 'trustedProxies: [loopback]');
      const proxy = await startCrew(t, how + yaml, files);
      for (const { name, speak } of doors.filter((door) => door.listen === listen)) {
        const before = upstream.seen.length;
        const clients = Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`);
        // In turns, so that each worker gets some of either version.
        await Promise.all(
          clients.map(async (address, i) => {
            const header = i % 4 < 2 ? proxyHeader1(address) : proxyHeader2(address);
            const socket = await begun(proxy.port, header.subarray(0, 7), header.subarray(7));
            const headers = { cookie: 'uid=alice', 'x-forwarded-for': '203.0.113.5' };
            t.same(await speak(socket, '/fact/', headers, 2), [200, 200]);
            socket.destroy();
          }),
        );
        const told = upstream.seen.slice(before).map(({ headers }) => String(headers['x-forwarded-for']));
        t.same(
          told.toSorted(),
          clients.flatMap((address) => [address, address]),
          name,
        );
        const without = begun(proxy.port).then((socket) => speak(socket, '/fact/', {}));
        await t.rejects(without, `${name}: without one, nobody is served`);
      }
      t.equal((await request(proxy.adminPort, '/readyz')).status, 200);
    },
  );
