import t from 'tap';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

type T = Parameters<typeof startProxy>[0];

/** A proxy before one API whose WebSockets echo; version 0 lives under /v0 and version 1 under /v1. */
async function startEcho(t: T, keys = '') {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const sockets = new WebSocketServer({
    server: upstream.server,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
    perMessageDeflate: { threshold: 100_000 },
  });
  t.teardown(() => sockets.close());
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const [v0, v1] = [`${upstream.url}/v0`, `${upstream.url}/v1`];
  const yaml = [v0, v1].reduce((text, url) => text.replace(`"${url}"`, `"${url}"${keys}`), flagged(v0, v1));
  const proxy = await startProxy(t, yaml.replace('drain: 1s', 'drain: 200ms'), { 'flags.yaml': evenFlags });
  const open = async (
    headers: Record<string, string> = { cookie: 'uid=alice' },
    protocols: string[] = [],
  ) => {
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/fact/`, protocols, { headers });
    client.on('error', () => {});
    t.teardown(() => client.terminate());
    const accepted = once(sockets, 'connection') as Promise<[WebSocket]>;
    const answered = once(client, 'upgrade') as Promise<[{ headers: Record<string, string | string[]> }]>;
    const [[server], [{ headers: answer }]] = await Promise.all([accepted, answered, once(client, 'open')]);
    return { client, server, answer };
  };
  return { proxy, open };
}

await t.test('WebSockets pass through, frame by frame', async (t) => {
  const { proxy, open } = await startEcho(t);

  await t.test('text and binary messages, empty ones too', async (t) => {
    const { client } = await open();
    for (const data of ['Wäschbär 🦝', '', Buffer.from([0, 255, 13, 10, 0]), Buffer.alloc(0)]) {
      client.send(data);
      const [echo, binary] = await once(client, 'message');
      t.equal(binary, typeof data !== 'string');
      t.ok(Buffer.from(data).equals(echo));
    }
  });

  await t.test('ping and pong, both ways', async (t) => {
    const { client, server } = await open();
    client.ping('from the client');
    t.equal(String(await once(client, 'pong')), 'from the client');
    server.ping('from the upstream');
    t.equal(String(await once(server, 'pong')), 'from the upstream');
  });

  await t.test('close codes and reasons, both ways', async (t) => {
    for (const from of ['client', 'server'] as const)
      for (const [code, reason] of [
        [1000, 'bye'],
        [4001, 'tired 🦝'],
        [1012, ''],
      ] as const) {
        const pair = await open();
        const ends = Promise.all([once(pair.client, 'close'), once(pair.server, 'close')]);
        pair[from].close(code, reason);
        for (const [seen, why] of await ends) t.same([seen, String(why)], [code, reason], `from the ${from}`);
      }
  });

  await t.test('a message of 10 MiB, there and back', async (t) => {
    const { client } = await open();
    const large = Buffer.alloc(10 * 1024 * 1024, 'raccoon ');
    client.send(large);
    const [echo] = await once(client, 'message');
    t.ok(large.equals(echo), 'whole');
  });

  await t.test('2,000 small messages, in order', async (t) => {
    const { client } = await open();
    const echoes: number[] = [];
    client.on('message', (data: Buffer) => echoes.push(Number(data.toString())));
    for (let i = 0; i < 2000; i += 1) client.send(`${i}`);
    await until(() => echoes.length === 2000, 'all are back');
    t.same(
      echoes,
      Array.from({ length: 2000 }, (_, i) => i),
    );
  });

  await t.test('subprotocol and extensions are agreed between the ends', async (t) => {
    const { client } = await open({ cookie: 'uid=alice' }, ['first', 'second']);
    t.equal(client.protocol, 'second');
    t.match(client.extensions, /permessage-deflate/);
  });

  await t.test('the 101 bears the version, and the cookie of a minted key', async (t) => {
    const { answer } = await open({});
    const [cookie = ''] = answer['set-cookie'] ?? [];
    t.match(cookie, /^trenchcoat_id=[^;]+;.*HttpOnly/);
    t.match(answer['cache-control'], /private/);
    const plain = await request(proxy.port, '/fact/', { headers: { cookie: cookie.split(';')[0] ?? '' } });
    t.equal(answer['x-api-version'], plain.headers['x-api-version'], 'the key decides as it did then');
    t.equal(plain.headers['set-cookie'], undefined);
  });

  await t.test("a user's WebSocket goes where the user's requests go", async (t) => {
    const versions = { 0: 0, 1: 0 };
    for (let i = 0; i < 20; i += 1) {
      const headers = { cookie: `uid=user-${i}` };
      const [{ client, answer }, plain] = await Promise.all([
        open(headers),
        request(proxy.port, '/fact/', { headers }),
      ]);
      t.equal(answer['x-api-version'], plain.headers['x-api-version']);
      t.equal(answer['set-cookie'], undefined);
      versions[answer['x-api-version'] === '1' ? 1 : 0] += 1;
      client.terminate();
    }
    t.ok(versions[0] > 0 && versions[1] > 0, 'and there are users of both');
  });
});

/** Lets one side send every 50 ms for much longer than the timeout, then nobody; the other side only listens. */
async function ticking(sender: WebSocket, listener: WebSocket): Promise<number> {
  let heard = 0;
  listener.removeAllListeners('message').on('message', () => (heard += 1));
  const timer = setInterval(() => sender.send('tick'), 50);
  await until(() => heard >= 12, 'twelve messages').finally(() => clearInterval(timer));
  return performance.now();
}

await t.test(
  'A tunnel in which nothing moves is cut after the idle timeout',
  { timeout: 10_000 },
  async (t) => {
    const { open } = await startEcho(t, ', idleTimeout: 250ms');
    const [up, down] = [await open(), await open()];
    const ways: [from: string, sender: WebSocket, listener: WebSocket][] = [
      ['client', up.client, up.server],
      ['upstream', down.server, down.client],
    ];
    await Promise.all(
      ways.map(async ([from, sender, listener]) => {
        const ends = Promise.all([once(sender, 'close'), once(listener, 'close')]);
        const last = await ticking(sender, listener);
        t.same([sender.readyState, listener.readyState], [1, 1], `not while the ${from} sends`);
        const codes = (await ends).map(([code]) => code as number);
        const after = performance.now() - last;
        t.same(codes, [1006, 1006], 'but then, on both sides');
        t.ok(after > 150 && after < 1250, `${Math.round(after)} ms after the last message`);
      }),
    );
  },
);

await t.test('A stop cuts the tunnels that are left when its time is up', { timeout: 10_000 }, async (t) => {
  const { proxy, open } = await startEcho(t);
  const pairs = [await open(), await open()];
  // Whoever reads nothing does not answer that it has been told.
  for (const { client } of pairs) client.pause();
  const ends = Promise.all(
    pairs.flatMap(({ client, server }) => [once(client, 'close'), once(server, 'close')]),
  );
  const started = performance.now();
  await proxy.stop();
  for (const { client } of pairs) client.resume();
  t.ok(performance.now() - started < 2000, 'and does not wait for their ends to agree');
  t.same(
    (await ends).map(([code]) => code as number),
    [1001, 1006, 1001, 1006],
    'the word that the clients did not read in time is what they find',
  );
  const lines = proxy
    .logText()
    .split('\n')
    .filter((line) => line.includes('"status":101'));
  t.equal(lines.length, 2, 'each has its access line');
});
