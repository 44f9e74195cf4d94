import t from 'tap';
import { WebSocketServer } from 'ws';
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts';
import { outputOf, skipWithout } from '../support/programs.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startUpstream(t, (req, res) => {
  res.setHeader('Content-Type', req.url === '/page' ? 'text/html' : 'application/json');
  req
    .resume()
    .on('end', () => res.end(req.url === '/page' ? '<title>facts</title>' : '{"fact":"a raccoon"}'));
});
const sockets = new WebSocketServer({ server: upstream.server });
sockets.on('connection', (socket) =>
  socket.on('message', (said: Buffer) => socket.send(`${said.toString()}!`)),
);
t.teardown(() => sockets.close());

const files = { 'flags.yaml': evenFlags, 'door.crt': selfSigned.cert, 'door.key': selfSigned.key };
const start = (listen: string) =>
  startProxy(t, flagged(upstream.url, upstream.url, `listen: { address: 127.0.0.1:0, ${listen} }`), files);
const plain = await start('http2: true');
const secure = await start('tls: { cert: door.crt, key: door.key }');
const secure1 = await start('tls: { cert: door.crt, key: door.key }, http2: false');

const ways = [
  { name: 'HTTP/1.1', port: plain.port, scheme: 'http', curl: '--http1.1', version: '1.1', load: ['--h1'] },
  {
    name: 'HTTP/2 with prior knowledge',
    port: plain.port,
    scheme: 'http',
    curl: '--http2-prior-knowledge',
    version: '2',
    load: ['--no-tls-proto=h2c'],
  },
  {
    name: 'HTTP/1.1 over TLS',
    port: secure.port,
    scheme: 'https',
    curl: '--http1.1',
    version: '1.1',
    load: ['--h1'],
  },
  { name: 'HTTP/2 over TLS', port: secure.port, scheme: 'https', curl: '--http2', version: '2', load: [] },
];

for (const { name, port, scheme, curl, version, load } of ways) {
  await t.test(`curl, by ${name}`, { skip: skipWithout('curl') }, async (t) => {
    const url = `${scheme}://127.0.0.1:${port}/fact/`;
    const told = '%{http_version} %{response_code} %header{x-api-version}\n';
    const args = ['--silent', '--insecure', curl, '--write-out', told, '--cookie', 'uid=bob', url];
    t.equal(await outputOf('curl', args), `{"fact":"a raccoon"}${version} 200 1\n`);
    const upload = [
      '--data-binary',
      '@package.json',
      '--header',
      'Expect: 100-continue',
      ...args.slice(0, -1),
      `${url}?up`,
    ];
    t.match(await outputOf('curl', upload), `${version} 200 1`);
  });

  await t.test(`h2load, by ${name}`, { skip: skipWithout('h2load') }, async (t) => {
    const url = `${scheme}://127.0.0.1:${port}/fact/`;
    const output = await outputOf('h2load', [
      '-n',
      '2000',
      '-c',
      '10',
      '-m',
      version === '2' ? '20' : '1',
      ...load,
      url,
    ]);
    t.match(output, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
    t.match(output, /status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx/);
  });
}

// What browsers speak: HTTP/2 over TLS alone.
for (const { name, port, scheme, protocol } of [
  { name: 'HTTP/1.1', port: plain.port, scheme: 'http', protocol: 'http/1.1' },
  { name: 'HTTP/1.1 over TLS', port: secure1.port, scheme: 'https', protocol: 'http/1.1' },
  { name: 'HTTP/2 over TLS', port: secure.port, scheme: 'https', protocol: 'h2' },
])
  await t.test(`Chromium, by ${name}`, { skip: skipWithoutChromium() }, async (t) => {
    const browser = await launchChromium();
    t.teardown(() => browser.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${scheme}://127.0.0.1:${port}/page`);
    t.equal(await page.title(), 'facts');
    const seen = await page.evaluate(
      async (echo) => {
        const [navigation] = performance.getEntriesByType('navigation' as 'resource');
        // Who is new keeps a key from now on.
        await fetch('/fact/');
        const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => fetch(`/fact/?${i}`)));
        const said = await new Promise((resolve) => {
          const socket = new WebSocket(echo);
          socket.addEventListener('open', () => socket.send('raccoon'));
          socket.addEventListener('message', ({ data }) => resolve(data));
          socket.addEventListener('error', () => resolve('failed'));
        });
        return {
          protocol: (navigation as unknown as { nextHopProtocol: string }).nextHopProtocol,
          versions: new Set(answers.map(({ headers }) => headers.get('x-api-version'))).size,
          statuses: answers.every(({ status }) => status === 200),
          said,
        };
      },
      `${scheme.replace('http', 'ws')}://127.0.0.1:${port}/echo`,
    );
    t.same(seen, { protocol, versions: 1, statuses: true, said: 'raccoon!' }, 'one visitor, one version');
    const line = await secureLine(port);
    t.equal(line.status, 101, 'the WebSocket is a tunnel');
  });

/** The access line of the last tunnel of a proxy. */
async function secureLine(port: number) {
  const proxy = [plain, secure, secure1].find((one) => one.port === port) ?? plain;
  await proxy.stop();
  const lines = proxy
    .logText()
    .split('\n')
    .filter((line) => line.includes('"path":"/echo"'));
  return JSON.parse(lines.at(-1) ?? '{}') as { status?: number };
}
