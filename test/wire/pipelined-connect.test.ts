import t from 'tap';
import { sendRaw } from '../support/client.ts';
import { startBefore, startReplier } from '../support/peers.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const connect = 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n';

await t.test('26 CONNECT is refused', async (t) => {
  t.match(await sendRaw(proxy.port, connect, false), /^HTTP\/1\.1 501 /);
});

// Node hands a CONNECT over as soon as it is read. Refused at once, behind a request whose answer is still to come, the
// refusal is read as that answer; after HEAD its body is even read as the next one.
await t.test('21 A CONNECT behind a request never gets the answer to it', async (t) => {
  for (const method of ['GET', 'HEAD']) {
    const received = await sendRaw(proxy.port, `${method} / HTTP/1.1\r\nHost: a\r\n\r\n${connect}`, false);
    t.notMatch(received, /501/, method);
  }
});
