import t from 'tap';
import { METHODS } from 'node:http';
import { close, host, startRawAdmin } from '../support/raw-admin.ts';
import { converse, statusOf } from '../support/wire.ts';

const { port, adminPort, say, told, rolloutStatus } = await startRawAdmin(t);

// Whatever stands in front of this port and reads a message's end elsewhere would let a second request through behind it.
await t.test('a message whose end is doubtful is refused, and nothing behind it is served', async (t) => {
  const smuggled = `POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`;
  const length = `Content-Length: ${smuggled.length}\r\n`;
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const doubtful = [
    `${length}${chunked}`,
    `${chunked}${length}`,
    `${length}Content-Length: 0\r\n`,
    'Content-Length: +5\r\n',
    'Content-Length: 0x5\r\n',
    'Content-Length : 0\r\n',
    'Content-Length: 0\n',
    ' Content-Length: 0\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Transfer-Encoding : chunked\r\n',
    'X: y\rZ: w\r\n',
    'X: \0\r\n',
    'X y\r\n',
  ];
  for (const fields of doubtful) {
    const { answers: got, ended } = await say(`POST /api/explain HTTP/1.1\r\n${host}${fields}`, smuggled);
    t.strictSame([got.map(statusOf), ended], [[400], true], JSON.stringify(fields));
  }
  for (const line of [
    'GET /livez HTTP/2.0',
    'GET /livez HTTP/0.9',
    'GET /livez',
    '\x16\x03\x01',
    'PRI * HTTP/2.0',
  ]) {
    const { answers: got, ended } = await say(`${line}\r\n${host}`, smuggled);
    t.strictSame([got.length <= 1, ended], [true, true], JSON.stringify(line));
    t.not(statusOf(got[0]), 200);
  }
  t.equal(await rolloutStatus(), 'in_progress');
});

// A refusal that leaves the body unread would have it read as the next request: a page that may send any body, and no
// header, could ask for anything in it.
await t.test('the body of a refused request is no request', async (t) => {
  const inner = `POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`;
  for (const [target, fields] of [
    ['/api/rollouts/facts/rollback', 'Origin: http://evil.example\r\n'],
    ['/api/nothing', ''],
    ['/metrics', ''],
    ['/', ''],
  ]) {
    const head = `POST ${target} HTTP/1.1\r\n${host}${fields}Content-Length: ${inner.length}\r\n${close}`;
    const { answers: got } = await say(head, inner);
    t.equal(got.length, 1, `${target}`);
    t.ok(statusOf(got[0]) >= 400, `${statusOf(got[0])}`);
  }
  t.equal(await rolloutStatus(), 'in_progress');
});

await t.test('no method does more than its name says', async (t) => {
  for (const method of METHODS.filter((one) => !['GET', 'HEAD', 'POST', 'CONNECT'].includes(one)))
    for (const path of [
      '/',
      '/metrics',
      '/api/rollouts',
      '/api/rollouts/facts/rollback',
      '/dashboard/main.js',
    ])
      t.match(
        await told(`${method} ${path} HTTP/1.1\r\n${host}Cookie: a=b\r\n${close}`),
        [/40[45]/],
        `${method} ${path}`,
      );
  const { answers: traced } = await say(`TRACE / HTTP/1.1\r\n${host}X-Echo: me\r\n${close}`);
  t.notMatch(traced[0]?.bytes, 'X-Echo', 'nothing is said back');
  const { answers: preflight } = await say(
    `OPTIONS /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n${close}`,
  );
  t.notMatch(preflight[0]?.bytes, /access-control/i, 'nobody is told that they may');
  t.equal(await rolloutStatus(), 'in_progress');
});

// An open port that makes connections for others is a way into the network behind it.
await t.test('CONNECT connects nobody, and an upgrade is none', async (t) => {
  const {
    answers: none,
    rest,
    ended,
  } = await say(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n${host}`, `GET / HTTP/1.1\r\n${host}\r\n`);
  t.strictSame([none, rest, ended], [[], '', true]);
  const upgrade =
    'Connection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  for (const to of ['websocket', 'h2c', 'TLS/1.0']) {
    const { answers: got } = await converse(
      adminPort,
      `GET /livez HTTP/1.1\r\n${host}${upgrade}Upgrade: ${to}\r\n\r\n`,
    );
    t.equal(statusOf(got[0]), 200, to);
  }
});

await t.test('an expectation is met or refused, and neither skips a check', async (t) => {
  const post = `POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Content-Length: 2\r\n${close}`;
  t.strictSame(await told(`${post}Expect: a-miracle\r\n`, '{}'), [417]);
  t.strictSame((await told(`${post}Origin: null\r\nExpect: 100-continue\r\n`, '{}')).at(-1), 403);
  t.equal(await rolloutStatus(), 'in_progress');
});

await t.test('heads beyond their bounds are refused', async (t) => {
  const long = 'x'.repeat(20_000);
  t.strictSame(await told(`GET /livez HTTP/1.1\r\n${host}X: ${long}\r\n`), [431]);
  t.strictSame(await told(`GET /${long} HTTP/1.1\r\n${host}`), [431]);
  // Node drops what is past the 2000th header, unless told otherwise, and what a check looks for with it.
  const many = 'X: y\r\n'.repeat(2500);
  t.strictSame(await told(`GET /livez HTTP/1.1\r\n${host}${many}${close}`), [200]);
  t.strictSame(await told(`GET /livez HTTP/1.1\r\n${host}${many}Origin: null\r\n${close}`), [403]);
  t.strictSame(await told(`GET /livez?${'&'.repeat(15_000)} HTTP/1.1\r\n${host}${close}`), [200]);
});
