import t from 'tap';
import { request, sendRaw, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

// The shape of a smuggling probe: the answer to the first is still owed, so the second cannot be told what is wrong with it.
await t.test(
  'what is malformed behind a request that is under way is counted, though it gets no answer',
  async (t) => {
    const upstream = await startUpstream(t, (req) => void req.resume());
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
    const refused = (count: number) =>
      until(async () => {
        const { body } = await request(proxy.adminPort, '/metrics');
        return body.includes(`trenchcoat_refused_total{code="bad_request"} ${count}\n`);
      }, `${count} refused`);
    t.equal(await sendRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n', false), '');
    await refused(1);
    const chunked = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
    t.equal(await sendRaw(proxy.port, chunked, false), '');
    await refused(2);
    // Half a body and a farewell: a client that leaves is not malformed.
    t.equal(await sendRaw(proxy.port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf'), '');
    await until(
      () => (proxy.logText().match(/"method":"POST"/g)?.length ?? 0) === 2,
      'both are logged',
      3000,
    );
    await refused(2);
  },
);
