import t from 'tap';
import { asks, startSteered } from '../support/peers.ts';

const { open } = await startSteered(t);

// Names in Content-Disposition are often raw UTF-8. Node's flushHeaders would read them as latin1 and write them in UTF-8, so
// that each byte above ASCII becomes two: but only while the body lets itself be waited for.
await t.test('57 A head that leaves before its body keeps its bytes above ASCII', async (t) => {
  const name = Buffer.from('Waschbär').toString('latin1');
  const line = 'HTTP/1.1 200 G\xfct';
  for (const length of ['Content-Length: 2', 'Transfer-Encoding: chunked']) {
    const { client, server } = await open(asks('GET /plain HTTP/1.1', 'Connection: close'));
    server.send(`${line}\r\nContent-Disposition: attachment; filename="${name}"\r\n${length}\r\n\r\n`);
    await client.gets(/\r\n\r\n/);
    t.ok(client.received().startsWith(`${line}\r\n`), `the reason, with ${length}`);
    t.ok(client.received().includes(`filename="${name}"\r\n`), `the header, with ${length}`);
    server.send(length.startsWith('C') ? 'ok' : '2\r\nok\r\n0\r\n\r\n');
    await client.gets(/ok/);
  }
});
