import { once } from 'node:events';
import http2 from 'node:http2';
import tls from 'node:tls';
import t from 'tap';
import { until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { begun } from '../support/spoken.ts';
import { startRawUpstream } from '../support/upstream.ts';

const files = { 'flags.yaml': evenFlags, 'cert.pem': selfSigned.cert, 'key.pem': selfSigned.key };

// An upstream that has yet to answer writes nothing, so that no write could tell that the client has gone.
for (const listen of ['http2: true', 'tls: { cert: cert.pem, key: key.pem }'])
  await t.test(`a client of HTTP/2 that ends its connection has left (${listen})`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => socket.on('end', () => socket.end()));
    const yaml = flagged(upstream.url, upstream.url, `listen: { address: "127.0.0.1:0", ${listen} }`);
    const proxy = await startProxy(t, yaml, files);
    const raw = await begun(proxy.port);
    const socket = listen.startsWith('tls')
      ? tls.connect({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      : raw;
    const session = http2.connect('http://a', { createConnection: () => socket });
    session.on('error', () => {});
    session.request({ ':path': '/', 'x-request-id': 'left' }).on('error', () => {});
    await until(() => upstream.sockets.size === 1, 'the request at the upstream');
    raw.end();
    await until(() => upstream.sockets.size === 0, 'the end of the request at the upstream', 1000);
    t.match(await proxy.accessLine('left'), { status: 499 });
    if (!raw.closed) await once(raw, 'close');
    t.pass('and of the connection');
  });
