import t from 'tap';
import type { Socket } from 'node:net';
import { request, until } from '../support/client.ts';
import { get, openDialogue, plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

type Case = { name: string; answer: string; method?: string; ends?: true };

const clean: Case[] = [
  { name: 'Content-Length', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' },
  { name: 'an empty body', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
  {
    name: 'chunks and trailers',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n',
  },
  { name: '204', answer: 'HTTP/1.1 204 No Content\r\n\r\n' },
  { name: '304', answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n' },
  { name: 'HEAD', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', method: 'HEAD' },
  {
    name: '103 before it',
    answer: 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  },
  { name: '500', answer: 'HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\noh' },
];

// Bytes that no exchange accounts for are the beginning of the next answer: whoever can make an upstream send them
// chooses what another client reads. So a socket that has seen any is never used again.
const unclean: Case[] = [
  {
    name: 'Connection: close, which the upstream does not act upon',
    answer: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
  },
  {
    name: 'close among other options',
    answer: 'HTTP/1.1 200 OK\r\nConnection: X-A, Close\r\nContent-Length: 2\r\n\r\nok',
  },
  { name: 'HTTP/1.0', answer: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok' },
  { name: 'a body that lasts until the close', answer: 'HTTP/1.1 200 OK\r\n\r\nok', ends: true },
  {
    name: 'bytes behind the body',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad',
  },
  {
    name: 'bytes behind the last chunk',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nX',
  },
  { name: 'a body for HEAD', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', method: 'HEAD' },
  { name: '204 with a body', answer: 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok' },
  { name: '304 with a body', answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok' },
];

await t.test('60 A socket is reused only when its exchange ended cleanly', async (t) => {
  const cases = [...clean, ...unclean];
  let latest: Socket | undefined;
  const upstream = await startRawUpstream(t, (socket) => {
    latest = socket;
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk) => {
      const path = / (\S+) HTTP/.exec(chunk.toString('latin1'))?.[1] ?? '';
      const one = cases[Number(/^\/case\/(\d+)/.exec(path)?.[1])];
      if (one !== undefined) {
        socket.write(one.answer, 'latin1');
        if (one.ends) socket.end();
      } else if (path === '/probe')
        socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nprobe');
      else if (path === '/part') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
      else if (path === '/early') socket.write('HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno');
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const proxy = await startProxy(t, plain(upstream.url));
  const closes = (socket = latest) => until(() => socket?.destroyed, 'the proxy closes it', 1000);
  /** Asks for something harmless, and tells over how many new connections; leaves none behind. */
  const probe = async () => {
    const before = upstream.connections();
    const { body } = await request(proxy.port, '/probe');
    await closes();
    return { body, connections: upstream.connections() - before };
  };

  for (const [index, { name, method = 'GET' }] of cases.entries())
    await t.test(`${index < clean.length ? 'again' : 'never again'}: ${name}`, async (t) => {
      await request(proxy.port, `/case/${index}`, { method });
      t.same(await probe(), { body: 'probe', connections: index < clean.length ? 0 : 1 });
    });

  await t.test('never again: bytes that come while nothing is asked', async (t) => {
    await request(proxy.port, '/fine');
    latest?.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad');
    await closes();
    t.same(await probe(), { body: 'probe', connections: 1 });
  });

  await t.test('never again: closed by the upstream while nothing is asked', async (t) => {
    for (const end of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      await request(proxy.port, '/fine');
      if (latest !== undefined) end(latest);
      await closes();
      t.same(await probe(), { body: 'probe', connections: 1 });
    }
  });

  await t.test('never again: the client left in the body', async (t) => {
    const client = openDialogue(t, proxy.port, get('/part'));
    await client.heard('part');
    client.socket.resetAndDestroy();
    await closes();
    t.same(await probe(), { body: 'probe', connections: 1 });
  });

  // The rest of the upload would be the next request on that connection.
  for (const upload of ['Content-Length: 9\r\n\r\nfour', 'Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n'])
    await t.test(
      `never again: an early answer during an upload, ${upload.slice(0, upload.indexOf(':'))}`,
      async (t) => {
        const client = openDialogue(t, proxy.port, `POST /early HTTP/1.1\r\nHost: a\r\n${upload}`);
        await client.heard('no');
        await closes();
        t.same(await probe(), { body: 'probe', connections: 1 });
      },
    );

  await t.test('again and again: one connection serves one client after another', async (t) => {
    const before = upstream.connections();
    for (let i = 0; i < 20; i += 1) t.equal((await request(proxy.port, '/fine')).body, 'ok');
    t.equal(upstream.connections() - before, 1);
  });
});
