import { until } from '../support/client.ts';
import type { Field } from '../support/frames.ts';
import { okAnswer } from '../support/peers.ts';
import { ok } from '../support/wire.ts';
import { both, each, inOrder, type Run } from './behaviour.ts';
import { valuesOf, type Ask } from './door.ts';

/** Headers that pass, or are written anew: 35 to 41. */
const alice: Field = ['Cookie', 'uid=alice'];

const forwardedFor: Run = async (t, { asked, trusting }) => {
  const chain: Field[] = [
    ['X-Forwarded-For', '6.6.6.6, 7.7.7.7'],
    ['x-forwarded-FOR', '8.8.8.8'],
  ];
  for (const path of ['/fact/', '/plain'])
    for (const fields of [[], chain]) {
      const { message } = await asked({ path, fields });
      t.same(message.values('x-forwarded-for'), ['127.0.0.1'], 'replaced');
    }
  const { message } = await asked({ fields: chain }, trusting);
  t.same(message.values('x-forwarded-for'), ['6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1'], 'appended to');
};

const spoofed: Field[] = [
  ['Forwarded', 'for=6.6.6.6;host=evil.example'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'gopher'],
  ['X-Forwarded-Port', '1'],
  ['X-Forwarded-Prefix', '/evil'],
  ['X_Forwarded_For', '6.6.6.6'],
  ['X-Forwarded_Host', 'evil.example'],
  ['X-Api-Version', '9'],
  ['X_Api_Version', '9'],
];

const forwarded: Run = async (t, { door, asked, trusting }) => {
  const { message } = await asked({ path: '/fact/', host: 'a', fields: [...spoofed, alice] });
  t.notMatch(message.bytes, /6\.6\.6\.6|evil|gopher|version: 9/i, 'nothing of it arrives');
  t.same(
    ['x-forwarded-host', 'x-forwarded-proto', 'x-api-version'].map((name) => message.values(name)),
    [['a'], [door.tls ? 'https' : 'http'], ['0']],
  );
  const said: Field[] = [
    ['X-Forwarded-Host', 'shop.example'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Port', '443'],
    ['Forwarded', 'for=6.6.6.6'],
  ];
  const { message: believed } = await asked({ path: '/fact/', fields: said }, trusting);
  for (const [name, value] of said)
    t.same(believed.values(name.toLowerCase()), [value], 'a trusted proxy is believed');
};

const many: Field[] = [
  ['X-Many', 'one'],
  ['X-Many', 'two, three'],
  ['X-Many', 'one'],
  ['Warning', '199 - "a, b"'],
  ['Warning', '299 - "c"'],
  ['X-Bytes', 'caf\xe9 \xff\x80'],
];

const repeated: Run = async (t, { asked, answered }) => {
  const expected = [['one', 'two, three', 'one'], ['199 - "a, b"', '299 - "c"'], ['caf\xe9 \xff\x80']];
  const names = ['x-many', 'warning', 'x-bytes'];
  const { message } = await asked({ fields: many });
  t.same(
    names.map((name) => message.values(name)),
    expected,
    'of a request',
  );
  const { answer } = await answered(
    {},
    ok('ok', many.map(([name, value]) => `${name}: ${value}\r\n`).join('')),
  );
  t.same(
    names.map((name) => valuesOf(answer.fields, name)),
    expected,
    'of an answer',
  );
};

const crumbs: Run = async (t, { asked }) => {
  // RFC 9113 §8.2.3: HTTP/2 may send a Cookie in crumbs. Whoever reads the first line alone would lose the others.
  const { message } = await asked({
    path: '/fact/',
    fields: [
      ['cookie', 'a=1'],
      ['cookie', 'uid=bob'],
      ['cookie', 'b=2'],
    ],
  });
  t.same(message.values('cookie'), ['a=1; uid=bob; b=2']);
  t.same(message.values('x-api-version'), ['1'], 'and identity reads them whole');
};

const cookies: Run = async (t, { answered }) => {
  const set = ['a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT', 'b="x, y"; Path=/', 'a=2', 'empty='];
  for (const path of ['/fact/', '/plain']) {
    const lines = set.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join('');
    const { answer } = await answered({ path, fields: [alice] }, ok('ok', lines));
    t.same(valuesOf(answer.fields, 'set-cookie'), set);
  }
};

const nothingInvented: Run = async (t, { asked }) => {
  const { message, answer } = await asked({ path: '/plain' });
  for (const name of ['user-agent', 'accept', 'accept-encoding', 'accept-language', 'content-length'])
    t.same(message.values(name), [], name);
  for (const name of ['server', 'content-type', 'x-powered-by', 'cache-control', 'etag', 'via'])
    t.same(valuesOf(answer.fields, name), [], name);
  const named = await asked({ fields: [['User-Agent', 'raccoon/1 (x; y)']] });
  t.same(named.message.values('user-agent'), ['raccoon/1 (x; y)'], 'and one that is there stays');
};

const upload = (...fields: Field[]): Ask => ({
  method: 'POST',
  path: '/fact/',
  body: 'later',
  fields: [['Content-Length', '4'], ...fields],
});
const continues = 'HTTP/1.1 100 Continue\r\n\r\n';

const expectation: Run = async (t, { exchange, answered }) => {
  const { asking, server } = await exchange(upload(['Expect', '100-continue']));
  await server.gets(/\r\nExpect: 100-continue\r\n([^]*\r\n)?\r\n$/i);
  t.same(asking.informational, [], 'the proxy does not speak for the upstream');
  server.send(continues + continues);
  await until(() => asking.informational.length > 0, '100');
  asking.send('body');
  asking.end();
  await server.gets(/\r\n\r\nbody$/);
  server.send(continues + okAnswer);
  const answer = await asking.done();
  t.match(answer, { status: 200, body: 'ok', clean: true });
  t.same(
    answer.informational.map(({ status }) => status),
    [100],
    'exactly one 100',
  );
  const { answer: unasked } = await answered({}, continues + okAnswer);
  t.same([unasked.status, unasked.informational], [200, []], 'none to a client that did not ask');
};

const refusals: Run = async (t, { exchange, answered }) => {
  for (const status of ['417 Expectation Failed', '413 Content Too Large', '401 Unauthorized']) {
    const { asking, server } = await exchange(upload(['Expect', '100-continue']));
    server.send(`HTTP/1.1 ${status}\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno`);
    const { status: seen, fields } = await asking.head();
    await asking.gets('no');
    t.same([seen, valuesOf(fields, 'x-why')], [Number.parseInt(status, 10), ['because']]);
    t.match(server.received(), /\r\n\r\n$/, 'the upstream got no body');
    asking.leave();
  }
  const { server, answer } = await answered(
    { fields: [['Expect', 'the-moon']] },
    'HTTP/1.1 417 Never\r\nContent-Length: 4\r\n\r\nmoon',
  );
  t.match(server.received(), /\r\nExpect: the-moon\r\n/i, 'whatever is expected');
  t.match(answer, { status: 417, body: 'moon' });
};

export const passing = [
  both(35, 'X-Forwarded-For is replaced, from a trusted proxy appended to', forwardedFor),
  both(36, 'So are Forwarded and the other X-Forwarded-\\*', forwarded),
  both(37, 'Several Set-Cookie stay several', cookies),
  each(38, 'Repeated headers stay, in order', repeated, inOrder(repeated, crumbs)),
  both(39, 'No User-Agent is invented', nothingInvented),
  both(
    40,
    "`Expect: 100-continue` is the upstream's to answer; one 100 reaches a client that asked",
    expectation,
  ),
  both(41, '417 and any other refusal is relayed before the body is asked for', refusals),
];
