import t from 'tap';
import { okAnswer, startBefore, startReplier } from '../support/peers.ts';
import { sendRaw } from '../support/client.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);

// Node ends a connection by its own lights, too. A request behind its last answer would be carried out, and whoever sent
// it would never hear of it, and might send it again.
const causes: [why: string, request: string, answer: string][] = [
  [
    'whose body only the end of the connection can end',
    'GET /first HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ],
  [
    'to a request that waited for 100 (Continue) in vain',
    'POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi',
    okAnswer,
  ],
];
for (const [why, request, answer] of causes)
  await t.test(`60 Nothing is forwarded behind an answer ${why}`, async (t) => {
    upstream.heads.length = 0;
    upstream.reply = () => answer;
    const received = await sendRaw(proxy.port, `${request}POST /second HTTP/1.1\r\nHost: a\r\n\r\n`, false);
    t.match(received, /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n([^]*\r\n)?\r\nok$/);
    t.match(upstream.heads, [/ \/first /], 'the second was not asked for');
    t.equal(upstream.heads.length, 1);
  });
