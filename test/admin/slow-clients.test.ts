import t, { type Test } from 'tap';
import { request, until } from '../support/client.ts';
import { connectRaw, type RawClient } from '../support/limited.ts';
import { heldMegabytes } from '../support/memory.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';
import { look } from '../support/viewer.ts';

/** More than the admin port keeps open. */
const many = 900;
const most = 512;
/** Milliseconds within which a probe is answered, however busy the machine is. */
const soon = 5000;

const token = 's3cret';
const authorization = `Bearer ${token}`;

async function startExposed(t: Pick<Test, 'teardown'>) {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(
    t,
    flagged(upstream.url, upstream.url, `admin: { address: "127.0.0.1:0", token: ${token} }`),
    { 'flags.yaml': evenFlags },
  );
  return proxy;
}

const isOpen = ({ socket }: RawClient) => !socket.destroyed;

/** Asks what has to go on: probes, whoever has the token, and the proxy itself. Gives the longest time that one took. */
async function goesOn(t: Test, { port, adminPort }: { port: number; adminPort: number }): Promise<number> {
  let slowest = 0;
  const asks = async (at: number, path: string, headers: Record<string, string>) => {
    const started = performance.now();
    t.equal((await request(at, path, { headers })).status, 200, path);
    slowest = Math.max(slowest, performance.now() - started);
  };
  for (const path of ['/livez', '/readyz']) await asks(adminPort, path, {});
  await asks(adminPort, '/api/rollouts', { authorization });
  await asks(port, '/fact/', {});
  return slowest;
}

// Every connection costs a descriptor, of which the proxy has only so many, and none needs a token. A bound on them alone
// would be worse: a few hundred idle ones would keep the probes out, and Kubernetes would end the pod.
await t.test('a thousand idle connections keep nobody out, and only so many stay', async (t) => {
  const proxy = await startExposed(t);
  const clients: RawClient[] = [];
  for (let i = 0; i < many; i += 100) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => connectRaw(t, proxy.adminPort)))));
    t.ok((await goesOn(t, proxy)) < soon);
  }
  await until(() => clients.filter(isOpen).length <= most, 'the oldest make way');
  t.ok(clients.slice(-100).every(isOpen), 'for those who come');
});

await t.test('who was admitted stays, whoever else comes', async (t) => {
  const proxy = await startExposed(t);
  const viewer = await look(t, proxy.adminPort, { headers: { authorization } });
  await viewer.sees(1);
  const clients: RawClient[] = [];
  for (let i = 0; i < many; i += 100)
    clients.push(
      ...(await Promise.all(
        Array.from({ length: 100 }, () =>
          connectRaw(t, proxy.adminPort, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'),
        ),
      )),
    );
  await until(() => clients.filter(isOpen).length < most, 'strangers make way, though they were answered');
  const told = viewer.seen().length;
  await viewer.sees(told + 1);
  t.ok((await goesOn(t, proxy)) < soon);
  t.equal(viewer.answer.socket.destroyed, false);
});

// Slowloris: each connection sends a little, often enough not to be idle, and never ends its head.
await t.test('heads and bodies that never end are cut off, and others are served meanwhile', async (t) => {
  const proxy = await startExposed(t);
  const post = `POST /api/explain HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`;
  const drips: [kind: string, head: string, drip: string][] = [
    ['a head', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ', 'd'],
    ['a body', `${post}Content-Length: 9999\r\n\r\n`, ' '],
    ['chunks', `${post}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
    ['nothing', '', ''],
  ];
  const clients = await Promise.all(
    drips.flatMap(([kind, head, drip]) =>
      Array.from({ length: 25 }, async () => ({
        kind,
        drip,
        ...(await connectRaw(t, proxy.adminPort, head)),
      })),
    ),
  );
  const dripping = setInterval(() => {
    for (const { socket, drip } of clients) if (drip !== '' && socket.writable) socket.write(drip);
  }, 200);
  t.teardown(() => clearInterval(dripping));
  const begun = performance.now();
  const took = new Map<string, number>();
  const ended = Promise.all(
    clients.map(async ({ kind, closed }) => {
      t.match(await closed, kind === 'nothing' ? /^(HTTP\/1\.1 408 |$)/ : /^HTTP\/1\.1 408 /, kind);
      took.set(kind, performance.now() - begun);
    }),
  );
  while (took.size < drips.length) {
    t.ok((await goesOn(t, proxy)) < soon);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await ended;
  for (const [kind, time] of took) t.ok(time < 20_000, `${kind}: ${Math.round(time)} ms`);
});

// Pipelining: a packet holds a thousand requests, and none of their answers is read. Each is a kilobyte or more to remember, so
// that a handful of connections took gigabytes.
for (const [who, head] of [
  ['a stranger', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  [
    'somebody',
    `GET /dashboard/main.js HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`,
  ],
] as const)
  await t.test(`${who} who does not wait for the answer is not served`, async (t) => {
    const proxy = await startExposed(t);
    const before = heldMegabytes();
    const packet = head.repeat(Math.floor(64_000 / head.length));
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await connectRaw(t, proxy.adminPort);
        client.socket.pause();
        for (let n = 0; n < 20; n += 1) client.socket.write(packet);
        return client;
      }),
    );
    for (let i = 0; i < 20; i += 1) t.ok((await goesOn(t, proxy)) < soon);
    const more = heldMegabytes() - before;
    t.ok(more < 100, `${Math.round(more)} MB more`);
    for (const { socket } of clients) socket.resume();
    await Promise.all(clients.map(({ closed }) => closed));
  });

await t.test('a connection serves one request after the other', async (t) => {
  const { adminPort } = await startExposed(t);
  const { socket, received } = await connectRaw(t, adminPort);
  for (let i = 1; i <= 30; i += 1) {
    socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => received().split('ok\n').length > i, `answer ${i}`);
  }
  t.equal(received().match(/HTTP\/1\.1 200 /g)?.length, 30);
});
