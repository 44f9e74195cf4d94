import { headers, codes, speakFrames, type Field } from '../support/frames.ts';
import { okAnswer, type Peer } from '../support/peers.ts';
import { unusedPort } from '../support/upstream.ts';
import { isProblem } from './answers.ts';
import { both, each, good, type Run } from './behaviour.ts';

/** Answers that are malformed, cut or late: 51 to 55. */
const alice: Field = ['Cookie', 'uid=alice'];
const asking = { path: '/fact/', fields: [alice] };
const body = 'X-Leaked: leaked\r\nContent-Length: 6\r\n\r\nleaked';
const chunks = 'X-Leaked: leaked\r\n\r\n6\r\nleaked\r\n0\r\n\r\n';

const malformed = [
  ...[
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/2 200 OK',
    'ICY 200 OK',
    'HTTP/1.1 200 O\x07K',
    '<html>leaked',
  ].map((line) => `${line}\r\n${body}`),
  ...[
    'X-A : 1',
    ': 1',
    'bad name: 1',
    'no colon',
    'X-A: a\rb',
    'X-A: a\0b',
    'X-A: a\r\n folded',
    'caf\xe9: 1',
  ].map((line) => `HTTP/1.1 200 OK\r\n${line}\r\n${body}`),
  `HTTP/1.1 200 OK\n${body}`,
  ...['5\r\nContent-Length: 6', '6, 6', '+6', '-6', '0x6', '', '18446744073709551622'].map(
    (length) => `HTTP/1.1 200 OK\r\nX-Leaked: leaked\r\nContent-Length: ${length}\r\n\r\nleaked`,
  ),
  ...['gzip, chunked', 'gzip', 'identity', 'chunked;q=1', '', 'chunked\r\nContent-Length: 6'].map(
    (coding) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n${chunks}`,
  ),
  `HTTP/1.1 200 OK\r\nX-Leaked: ${'leaked'.repeat(11_000)}\r\nContent-Length: 0\r\n\r\n`,
];

const refusesAnswers: Run = async (t, { answered, exchange }) => {
  for (const bytes of malformed) {
    const { answer, server } = await answered(asking, bytes);
    isProblem(t, answer, 502, bytes);
    await server.ends();
  }
  for (const bad of [
    'zz\r\nevil\r\n',
    '-1\r\nevil\r\n',
    '4\nevil\r\n',
    '2\r\nokevil\r\n',
    '0\r\nX-A : 1\r\n\r\n',
  ]) {
    const { asking: one, server } = await exchange(asking);
    server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n');
    await one.gets('good');
    server.send(`${bad}0\r\n\r\n`);
    const { clean, body } = await one.done();
    t.same([clean, /^good(?![^]*evil)/.test(body)], [false, true], `${JSON.stringify(bad)}: a cut`);
  }
};

const behindAnswers: Run = async (t, { answered, open, speaker }) => {
  const poison = 'HTTP/1.1 200 OK\r\nX-Poison: yes\r\nContent-Length: 6\r\n\r\npoison';
  for (const [method, bytes] of [
    ['GET', okAnswer],
    ['GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n'],
  ] as const)
    for (const surplus of [poison, '\r\n']) {
      const { answer, server, connection } = await answered({ method, path: '/fact/' }, bytes + surplus);
      t.same([answer.clean, /poison/i.test(JSON.stringify(answer))], [true, false], 'the answer is whole');
      await server.ends();
      const next = connection.ask();
      const fresh = await speaker.next();
      fresh.send(okAnswer);
      t.match(await next.done(), { status: 200, body: 'ok' }, 'the next one comes over another connection');
    }
  // Those that come while nothing is asked are for nobody either.
  const { server } = await answered({}, okAnswer);
  server.send(poison);
  await server.ends();
  const next = (await open()).ask();
  (await speaker.next()).send(okAnswer);
  t.match(await next.done(), { status: 200, body: 'ok' });
};

/** How an upstream may stop in the midst of an answer. */
const stops: readonly (readonly [string, (server: Peer) => unknown])[] = [
  ['ends', ({ socket }) => socket.end()],
  ['resets', ({ socket }) => socket.resetAndDestroy()],
  ['falls silent', () => {}],
];

const truncated: Run = async (t, { exchange }) => {
  for (const [framing, sent] of [
    ['Content-Length: 100', 'part'],
    ['Transfer-Encoding: chunked', '4\r\npart\r\n'],
    ['Transfer-Encoding: chunked', '64\r\npart'],
    ['Transfer-Encoding: chunked', '4\r\npart\r\n0\r\n'],
    ['Connection: close', 'part'],
  ] as const)
    for (const [how, stop] of stops) {
      // Only the end of its connection ends such a body.
      if (framing === 'Connection: close' && how === 'ends') continue;
      const { asking, server } = await exchange({ path: '/hasty/' });
      server.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${sent}`);
      await asking.gets('part');
      stop(server);
      t.match(await asking.done(), { status: 200, body: 'part', clean: false }, `${framing}, then it ${how}`);
    }
};

/** By the frame: a stream that is cut never says that it has ended, and says whose fault it was. */
const truncatedFrames: Run = async (t, { door, port, speaker }) => {
  for (const [how, stop] of stops)
    for (const sent of [
      'Content-Length: 100\r\n\r\npart',
      'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
    ]) {
      await speaker.forget();
      const client = speakFrames(await door.connect(port));
      client.send(headers(1, good('/hasty/')));
      const server = await speaker.next();
      server.send(`HTTP/1.1 200 OK\r\n${sent}`);
      setTimeout(() => stop(server), 20);
      const fate = await client.over(1);
      t.match(fate, { status: 200, ended: false, reset: codes.internal }, `the upstream ${how}`);
      client.send(headers(3, good('/hasty/')));
      (await speaker.next()).send(okAnswer);
      t.match(await client.over(3), { status: 200, data: 'ok', ended: true }, 'other streams go on');
      client.socket.destroy();
    }
};

const nothingAppended: Run = async (t, { exchange, answered }) => {
  for (const [how, stop] of stops) {
    const { asking, server } = await exchange({ path: '/hasty/' });
    server.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
    await asking.head();
    stop(server);
    const answer = await asking.done();
    t.match(answer, { status: 200, body: '', clean: false }, `the upstream ${how}`);
    t.same(answer.trailers, []);
  }
  const { answer } = await answered({}, okAnswer);
  t.match(answer, { status: 200, clean: true }, 'the next client is served as ever');
};

const failures: Run = async (t, { answered, exchange, door, start }) => {
  for (const begin of ['', 'HTTP/1.1 200', 'HTTP/1.1 200 OK\r\nX-Leaked: leaked\r\n'])
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const { answer } = await answered(asking, begin, ({ socket }) => {
        if (begin === '' || end === 'end') socket[end]();
        else setTimeout(() => socket[end](), 20);
      });
      isProblem(t, answer, 502, `${begin}, ${end}`);
    }
  const { asking: late } = await exchange({ path: '/hasty/' });
  t.match(await late.done(), { status: 504, body: /response-timeout/, clean: true });
  const { asking: upload } = await exchange({ method: 'POST', path: '/hasty/', body: 'part' });
  t.match(await upload.done(), { status: 504, clean: true }, 'an upload that nobody answers');

  const url = `http://127.0.0.1:${await unusedPort()}`;
  const { port } = await start(
    t,
    `upstreams: { api: { url: "${url}" } }\nroutes: [{ name: all, upstream: api }]\n`,
  );
  const connection = await door.open(port);
  t.teardown(() => connection.destroy());
  t.match(await connection.ask().done(), { status: 502, body: /connect-refused/, clean: true });
  t.match(await connection.ask().done(), { status: 502, clean: true }, 'the connection serves on');
};

export const ends = [
  both(
    51,
    'A malformed head, two Content-Lengths, Content-Length with Transfer-Encoding, any coding but `chunked`: 502',
    refusesAnswers,
  ),
  both(52, 'Bytes behind an answer are thrown away, with their connection', behindAnswers),
  each(53, 'A truncated body is a cut for the client, never a clean end', truncated, async (t, world) => {
    await truncated(t, world);
    await truncatedFrames(t, world);
  }),
  both(54, 'A failure after the head cuts; nothing is appended', nothingAppended),
  both(55, 'Refused or reset: 502; too late: 504', failures),
];
