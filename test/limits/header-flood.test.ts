import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { request } from '../support/client.ts';
import { peakMegabytes, startRun } from '../support/command.ts';
import { connectRaw, limited, type RawClient } from '../support/limited.ts';
import { startUpstream } from '../support/upstream.ts';

const clients = 100;
const megabytes = 1;

/** Sends headers without end, as fast as they are taken, until the connection is closed or the bound is reached. */
async function flood({ socket, closed }: RawClient, piece: string): Promise<string> {
  const most = (megabytes * 1024 ** 2) / piece.length;
  let sent = 0;
  const more = () => {
    while (sent < most && socket.writable) {
      sent += 1;
      if (!socket.write(piece)) return void socket.once('drain', more);
    }
    if (socket.writable) socket.end();
  };
  more();
  return closed;
}

const upstream = await startUpstream(t, (_req, res) => res.end('served'));
const config = join(t.testdir({}), 'trenchcoat.yaml');
writeFileSync(config, `listen: 127.0.0.1:0\nadmin: off\n${limited(upstream.url)}`);
const proxy = await startRun(t, config);

// A head is held until it is whole. Were it held without a bound, a hundred clients could take all memory at their
// leisure; and a parser that goes on reading what it has refused spends its time on them.
for (const [what, piece] of [
  ['many headers', 'X-Flood: 0123456789\r\n'.repeat(50)],
  ['one endless value', 'v'.repeat(1000)],
] as const)
  await t.test(`floods of ${what} are answered 431, and others are served meanwhile`, async (t) => {
    const before = upstream.seen.length;
    const floods = Promise.all(
      Array.from({ length: clients }, async () =>
        flood(await connectRaw(t, proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-First: '), piece),
      ),
    );
    for (let i = 0; i < 10; i += 1) t.match(await request(proxy.port, '/'), { status: 200, body: 'served' });
    const answers = await floods;
    const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 431 ')).length;
    t.equal(refused, clients, 'each was told, though it went on sending');
    t.equal(upstream.seen.length, before + 10, 'none of them went upstream');
  });

await t.test('in little memory', { skip: process.platform !== 'linux' && 'read from /proc' }, async (t) => {
  const peak = peakMegabytes(proxy.child.pid);
  t.ok(peak < 200, `peak resident memory ${peak.toFixed(0)} MB`);
  t.equal(proxy.child.exitCode, null);
});
