import t from 'tap';
import { request, sendRaw, until } from '../support/client.ts';
import {
  asks,
  dial,
  headOf,
  okAnswer,
  startBefore,
  startReplier,
  startSteered,
  type Peer,
} from '../support/peers.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const steered = await startSteered(t, { deadlines: 'idleTimeout: 200ms' });

// The attack is response queue poisoning: who gets an upstream to write one answer too many would have it stand ready
// on a pooled connection for whoever comes next.
const poison = 'HTTP/1.1 200 OK\r\nX-Poison: yes\r\nContent-Length: 6\r\n\r\npoison';

await t.test('52 Bytes past the body are discarded, and that connection is not used again', async (t) => {
  for (const [method, answer] of [
    ['GET', okAnswer],
    ['GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ] as const) {
    for (const surplus of [poison, 'poison', '\r\n']) {
      const before = upstream.connections();
      upstream.reply = (head, socket) => {
        if (!head.includes('/fact/next')) return answer + surplus;
        socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nclean');
        return '';
      };
      const both = asks(`${method} /fact/ HTTP/1.1`) + asks('GET /fact/next HTTP/1.1', 'Connection: close');
      const received = await sendRaw(proxy.port, both, false);
      const name = `${method} ${JSON.stringify(answer + surplus)}`;
      t.notMatch(received, /poison/i, name);
      t.equal(headOf(received).line, answer.slice(0, answer.indexOf('\r\n')), 'the answer itself is whole');
      t.match(received, /[^]HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nclean$/, 'so is the one after it');
      t.equal(upstream.connections() - before, 2, 'which came over another connection');
      await until(() => upstream.sockets.size === 0, 'the poisoned one goes');
    }
  }
});

await t.test('52 Nor when they come while the connection waits for its next request', async (t) => {
  for (const surplus of [poison, 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\npoison', 'p']) {
    const { client: first, server } = await steered.open(asks('GET /fact/ HTTP/1.1'));
    server.send(okAnswer);
    await first.gets(/\r\n\r\nok$/);
    server.send(surplus);
    await server.ends();
    const second = await dial(t, steered.proxy.port, asks('GET /fact/ HTTP/1.1', 'Connection: close'));
    const fresh = await steered.next();
    fresh.send(okAnswer.replace('ok', 'no'));
    await second.ends();
    t.match(second.received(), /\r\n\r\nno$/);
    t.notMatch(first.received() + second.received(), /poison/i);
  }
});

/** How an upstream may stop in the middle, and how long the proxy may take to notice. */
const stops: readonly (readonly [string, (server: Peer) => unknown])[] = [
  ['ends', (server) => server.socket.end()],
  ['resets', (server) => server.socket.resetAndDestroy()],
  ['falls silent', () => {}],
];
const bodies = [
  ['Content-Length: 100', 'part', /^part$/],
  ['Transfer-Encoding: chunked', '4\r\npart\r\n', /^4\r\npart\r\n$/],
  ['Transfer-Encoding: chunked', '64\r\npart', /^(64\r\npart|4\r\npart\r\n)$/],
  ['Transfer-Encoding: chunked', '4\r\npart\r\n0\r\n', /^4\r\npart\r\n$/],
  ['Connection: close', 'part', /^4\r\npart\r\n$/],
] as const;

/** Gets an answer that stops in the middle; what the client saw, and how its connection ended. */
async function cut(line: string, answer: string, stop: (server: Peer) => unknown) {
  const { client, server } = await steered.open(asks(line));
  server.send(answer);
  await client.gets(/part/);
  stop(server);
  const how = await client.ends(1000);
  return { how, body: headOf(client.received()).rest };
}

await t.test('53 A body that is cut is an abort for the client within a second', async (t) => {
  for (const [framing, sent, expected] of bodies) {
    for (const [how, stop] of stops) {
      // Only the end of its connection ends such a body.
      if (framing === 'Connection: close' && how === 'ends') continue;
      const { body } = await cut('GET /fact/ HTTP/1.1', `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${sent}`, stop);
      t.match(body, expected, `${framing}: ${JSON.stringify(sent)}, then it ${how}: nothing is appended`);
    }
  }
});

// To HTTP/1.0 the end of the connection is the end of the body: only a reset says that something is missing.
await t.test('53 So it is for an HTTP/1.0 client, which has but the connection to tell by', async (t) => {
  for (const [framing, sent] of bodies.filter(([framing]) => !framing.startsWith('Content-Length'))) {
    for (const [name, stop] of stops) {
      if (framing === 'Connection: close' && name === 'ends') continue;
      const { how, body } = await cut(
        'GET /fact/ HTTP/1.0',
        `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${sent}`,
        stop,
      );
      t.equal(how, 'reset', `${framing}: ${JSON.stringify(sent)}, then it ${name}`);
      t.equal(body, 'part');
    }
  }
});

await t.test('54 A failure after the head cuts the connection, and no text says so', async (t) => {
  for (const [how, stop] of stops) {
    const both = asks('GET /fact/ HTTP/1.1') + asks('GET /fact/next HTTP/1.1');
    const { client, server } = await steered.open(both);
    server.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
    await client.gets(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    stop(server);
    await client.ends(1000);
    t.equal(
      headOf(client.received()).rest,
      '',
      `the upstream ${how}; a request that waited is not answered either`,
    );
  }
});

await t.test('54 The next client is served as ever', async (t) => {
  upstream.reply = () => okAnswer;
  t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'ok', cut: false });
});
