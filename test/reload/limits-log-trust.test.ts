import t from 'tap';
import http from 'node:http';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test(
  'limits, the log, whom to trust and who is asking change on connections that are open',
  async (t) => {
    const upstream = await startUpstream(t, (req, res) => res.end(String(req.headers['x-forwarded-for'])));
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    const ask = (headers: http.OutgoingHttpHeaders = {}) => request(proxy.port, '/fact/', { agent, headers });
    t.match(await ask({ 'x-forwarded-for': '9.9.9.9', 'x-request-id': 'a' }), { body: '127.0.0.1' });
    t.match(await proxy.accessLine('a'), { level: 'info' });
    t.match(await ask({ 'x-name': 'bob' }), { headers: { vary: 'Cookie, x-user-id' } });

    const next = flagged(
      upstream.url,
      upstream.url,
      'limits: { headerCount: 6 }\nlog: { access: false }\ntrustedProxies: [loopback]',
    );
    const changed = await proxy.reload(next.replace('header: X-User-Id', 'header: X-Name'));
    t.same(changed, { ok: true, changed: ['context', 'trustedProxies', 'log', 'limits'] });

    t.match(await ask({ 'x-forwarded-for': '9.9.9.9', 'x-request-id': 'b' }), { body: '9.9.9.9, 127.0.0.1' });
    t.match(await ask({ 'x-name': 'bob' }), { headers: { 'x-api-version': '1', vary: 'Cookie, x-name' } });
    t.match(await ask({ a: '1', b: '2', c: '3', d: '4', e: '5' }), { status: 431 });
    t.equal(proxy.logText().includes('"id":"b"'), false, 'no access lines any more');
  },
);
