import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { authority } from '../support/authority.ts';
import { readAnswer, request, until, type Answer } from '../support/client.ts';
import { startProxy, type Running } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const ours = authority();
const site = ours.issue({ names: ['site.example', '127.0.0.1'] });
const other = ours.issue({ names: ['other.example'] });
const files = {
  'site.pem': site.cert,
  'site.key': site.key,
  'other.pem': other.cert,
  'other.key': other.key,
  'ca.pem': ours.cert,
};

/** A proxy that clients meet over TLS, before an upstream that says what it was told. */
async function start(t: Test, tls = '', listen = ''): Promise<Running> {
  const upstream = await startUpstream(t, (req, res) => res.end(JSON.stringify(req.headers)));
  return startProxy(
    t,
    `
listen: { address: 127.0.0.1:0, tls: { cert: site.pem, key: site.key${tls} }${listen} }
context: { user: { key: [] } }
upstreams: { v0: { url: "${upstream.url}" } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0 }, default: 0 }
  - { name: all, upstream: v0 }
shutdown: { drain: 1s }
`,
    files,
  );
}

type Asked = Answer & { version: string | null; shown: string };

async function ask({ port }: Running, path: string, options: ConnectionOptions = {}): Promise<Asked> {
  const req = https.request({ host: '127.0.0.1', port, path, agent: false, ca: ours.cert, ...options });
  req.end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const socket = res.socket as TLSSocket;
  const version = socket.getProtocol();
  const shown = String(socket.getPeerCertificate().subject.CN);
  return { ...(await readAnswer(res)), version, shown };
}

const failed = (asked: Promise<Asked>) =>
  asked.then(
    ({ status }) => `answered ${status}`,
    (error: NodeJS.ErrnoException) => `${error.code} ${error.message}`,
  );

await t.test('requests come over TLS 1.2 and 1.3, and the upstream is told that it was https', async (t) => {
  const proxy = await start(t);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const answer = await ask(proxy, '/', { maxVersion: version });
    t.match(answer, { status: 200, version, shown: 'site.example' });
    t.match(JSON.parse(answer.body), {
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '127.0.0.1',
    });
  }
});

await t.test('cookies that the proxy sets are for TLS alone', async (t) => {
  const [cookie] = (await ask(await start(t), '/fact/')).headers['set-cookie'] ?? [];
  t.match(cookie, /^trenchcoat_id=.*; Secure/);
});

await t.test('by ALPN a client gets HTTP/2, unless it is turned off', async (t) => {
  const speak = async ({ port }: Running) => {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca: ours.cert });
    t.teardown(() => session.destroy());
    const refused = once(session, 'error').then(([error]) => error as Error);
    const stream = session.request({ ':path': '/' });
    let body = '';
    stream.setEncoding('utf8').on('data', (text) => (body += text));
    const ended = once(stream, 'close').then(() => JSON.parse(body) as unknown);
    return Promise.race([ended.catch(() => refused), refused]);
  };
  t.match(await speak(await start(t)), { 'x-forwarded-proto': 'https' });
  const without = await start(t, '', ', http2: false');
  t.match(await speak(without), { code: /ALERT_NO_APPLICATION_PROTOCOL/ });
  t.match(await ask(without, '/', { ALPNProtocols: ['h2', 'http/1.1'] }), { status: 200 });
});

await t.test('the certificate is picked by name, and none older than minVersion is spoken', async (t) => {
  const proxy = await start(t, ', minVersion: TLSv1.3, more: [{ cert: other.pem, key: other.key }]');
  t.match(await ask(proxy, '/', { servername: 'other.example' }), { status: 200, shown: 'other.example' });
  t.match(await ask(proxy, '/', { servername: 'site.example' }), { status: 200, shown: 'site.example' });
  t.match(await failed(ask(proxy, '/', { maxVersion: 'TLSv1.2' })), /alert protocol version/);
});

await t.test('with clientCa, clients without a certificate that it knows are not served', async (t) => {
  const proxy = await start(t, ', clientCa: ca.pem');
  t.match(await ask(proxy, '/', ours.issue({ names: ['client.example'] })), { status: 200 });
  for (const stranger of [{}, authority('Another authority').issue(), ours.issue({ expired: true })])
    t.match(await failed(ask(proxy, '/', stranger)), /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE|EPROTO/);
  const line = 'trenchcoat_refused_total{code="tls_client_certificate"} 3';
  await until(async () => (await request(proxy.adminPort, '/metrics')).body.includes(line), line);
});

await t.test(
  'who does not speak TLS, or nothing, is counted, and keeps nobody from being served',
  async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.end('ok'));
    const proxy = await startProxy(
      t,
      `
listen: { address: 127.0.0.1:0, tls: { cert: site.pem, key: site.key } }
upstreams: { v0: { url: "${upstream.url}" } }
routes: [{ name: all, upstream: v0 }]
limits: { headTimeout: 200ms }
log: { level: debug }
shutdown: { drain: 1s }
`,
      files,
    );
    const silent = Array.from({ length: 50 }, () => net.connect(proxy.port, '127.0.0.1').resume());
    const plain = net.connect(proxy.port, '127.0.0.1').resume();
    const closed = Promise.all(
      [...silent, plain].map((socket) =>
        once(
          socket.on('error', () => {}),
          'close',
        ),
      ),
    );
    plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    t.match(await ask(proxy, '/'), { status: 200, body: 'ok' });
    await closed;
    const { body } = await request(proxy.adminPort, '/metrics');
    t.match(body, 'trenchcoat_refused_total{code="tls_handshake_timeout"} 50');
    t.match(body, 'trenchcoat_refused_total{code="tls_not_spoken"} 1');
    t.match(body, 'trenchcoat_client_connections 0');
    const line = await until(
      () => proxy.logLines('debug').find(({ failure }) => failure === 'tls_not_spoken'),
      'a line of the log',
    );
    t.match(line, { detail: 'ERR_SSL_HTTP_REQUEST' });
  },
);

await t.test('until when a certificate holds is told to Prometheus', async (t) => {
  const proxy = await start(t);
  const { body } = await request(proxy.adminPort, '/metrics');
  const name = 'trenchcoat_certificate_expiry_timestamp_seconds';
  const [, seconds] =
    new RegExp(`^${name}\\{file="${join(proxy.folder, 'site.pem')}"\\} (\\S+)$`, 'm').exec(body) ?? [];
  t.equal(Math.round((Number(seconds) * 1000 - Date.now()) / 86_400_000), 30);
});
