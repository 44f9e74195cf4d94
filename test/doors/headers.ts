import type { Field } from '../support/frames.ts';
import { ok } from '../support/wire.ts';
import { dropsFields, each, inOrder, refusesFields, withFields, type Run } from './behaviour.ts';
import { valuesOf } from './door.ts';

/** Headers that stop here: 31 to 34. */
const alice: Field = ['Cookie', 'uid=alice'];

/** Of a request with these fields none of these names arrives, and X-Kept does. */
const stops =
  (fields: readonly Field[], names: readonly string[]): Run =>
  async (t, { asked }) => {
    const { message } = await asked({
      method: 'POST',
      path: '/fact/',
      body: 'x',
      fields: [...fields, ['X-Kept', 'yes']],
    });
    for (const name of names) t.same(message.values(name), [], `${name} does not reach the upstream`);
    t.same(message.values('x-kept'), ['yes']);
    t.notMatch(message.values('connection').join(), /x-|http2|upgrade/i);
  };

/** The same for an answer. */
const stopsBack =
  (lines: readonly string[], names: readonly string[]): Run =>
  async (t, { answered, door }) => {
    const bytes = ok('ok', [...lines, 'X-Kept: yes', ''].join('\r\n'));
    const { answer } = await answered({ path: '/fact/', fields: [alice] }, bytes);
    t.match(answer, { status: 200, body: 'ok', clean: true });
    for (const name of names) t.same(valuesOf(answer.fields, name), [], `${name} does not reach the client`);
    t.same(valuesOf(answer.fields, 'x-kept'), ['yes']);
    if (door.http2) t.same(valuesOf(answer.fields, 'connection'), [], 'nor any word of connections');
  };

const hopByHop: Field[] = [
  ['Keep-Alive', 'timeout=9'],
  ['Proxy-Connection', 'keep-alive'],
  ['Upgrade', 'h2c'],
];
const others: Field[] = [
  ['Proxy-Authenticate', 'Basic'],
  ['Proxy-Authorization', 'Basic YTpi'],
  ['Trailer', 'X-Sum'],
  ['HTTP2-Settings', 'AAMAAABk'],
];
/** Those that Node's client for HTTP/2 is willing to send. */
const plain = others.filter(([name]) => name !== 'HTTP2-Settings');
const namesOf = (fields: readonly Field[]) => fields.map(([name]) => name.toLowerCase());
const linesOf = (fields: readonly Field[]) => fields.map(([name, value]) => `${name}: ${value}`);
const all = [...hopByHop, ...others];
/** Node's server keeps the connection of HTTP/1.1, and says for how long. */
const answeredNames = namesOf(all).filter((name) => name !== 'keep-alive');

const nominated: Field[] = [
  ['X-One', '1'],
  ['x-one', 'again'],
  ['X-Two', '2'],
];
const nominates = 'Connection: X-One,, x-TWO ,';

const keepsFraming: Run = async (t, { asked, recorded: { upstream }, trusting }) => {
  const names =
    'Host, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Via, X-Request-Id, X-Api-Version, Content-Length, Transfer-Encoding';
  const fields: Field[] = [['Connection', names], alice, ['X-Request-Id', 'mine-1']];
  const { message } = await asked({ method: 'POST', path: '/fact/', host: 'a', body: 'body', fields });
  t.same(message.values('host'), [`127.0.0.1:${upstream.port}`]);
  t.same(
    ['x-forwarded-for', 'x-forwarded-host', 'x-request-id', 'x-api-version'].map((name) =>
      message.values(name),
    ),
    [['127.0.0.1'], ['a'], ['mine-1'], ['0']],
  );
  t.match(message.values('via').join(), /trenchcoat/);
  t.equal(message.body, 'body', 'nor its framing');
  const told: Field[] = [...fields, ['X-Forwarded-For', '6.6.6.6']];
  const { message: believed } = await asked({ path: '/fact/', fields: told }, trusting);
  t.same(believed.values('x-forwarded-for'), ['6.6.6.6, 127.0.0.1'], 'nor what a trusted proxy has said');
};

const keepsAnswer: Run = async (t, { answered }) => {
  const lines = [
    'Connection: Content-Length, Transfer-Encoding, X-Api-Version, Set-Cookie, Vary',
    'Set-Cookie: a=1',
    'X-Api-Version: 9\r\n',
  ];
  const { answer } = await answered({ path: '/fact/', fields: [alice] }, ok('ok', lines.join('\r\n')));
  t.same(
    ['content-length', 'set-cookie', 'x-api-version'].map((name) => valuesOf(answer.fields, name)),
    [['2'], ['a=1'], ['0']],
  );
  t.match(valuesOf(answer.fields, 'vary').join(), /Cookie/);
  t.equal(answer.body, 'ok');
};

/** What becomes of a wish: `trailers`, as a wish of the proxy itself, or nothing. */
const wishes =
  (list: readonly (readonly [te: string, passed: string[]])[]): Run =>
  async (t, { asked }) => {
    for (const [te, passed] of list) {
      const { message } = await asked({ path: '/fact/', fields: [['TE', te]] });
      t.same(message.values('te'), passed, te);
      t.equal(/(^|[ ,])te($|[ ,])/i.test(message.values('connection').join()), passed.length > 0);
    }
  };

export const stopping = [
  each(
    31,
    'Hop-by-hop headers stop here, both ways',
    inOrder(stops(all, namesOf(all)), stopsBack(linesOf(all), answeredNames)),
    // RFC 9113 §8.2.2 has none of these in HTTP/2; the others mean nothing there.
    inOrder(
      refusesFields(
        400,
        [...hopByHop, ['connection', 'close'] as const].map(([name, value]) =>
          withFields([name.toLowerCase(), value]),
        ),
      ),
      stops(plain, namesOf(plain)),
      dropsFields([withFields(['http2-settings', 'AAMAAABk'])]),
      stopsBack(linesOf(all), namesOf(all)),
    ),
  ),
  each(
    32,
    'So do those that Connection names',
    inOrder(
      stops([['Connection', 'X-One,, x-TWO ,'], ...nominated], ['x-one', 'x-two']),
      stopsBack([nominates, ...linesOf(nominated)], ['x-one', 'x-two']),
    ),
    inOrder(
      refusesFields(400, [withFields(['connection', 'x-one'], ['x-one', '1'])]),
      stopsBack([nominates, ...linesOf(nominated)], ['x-one', 'x-two']),
    ),
  ),
  each(
    33,
    'Connection cannot name Host, framing, caching or forwarding headers away',
    inOrder(keepsFraming, keepsAnswer),
    inOrder(refusesFields(400, [withFields(['connection', 'host, x-forwarded-for'])]), keepsAnswer),
  ),
  each(
    34,
    'Of TE only `trailers` passes',
    wishes([
      ['trailers, gzip', ['trailers']],
      ['gzip;q=0.5, Trailers', ['trailers']],
      ['gzip', []],
      ['', []],
    ]),
    // Nothing but `trailers` may stand there (RFC 9113 §8.2.2).
    inOrder(wishes([['trailers', ['trailers']]]), refusesFields(400, [withFields(['te', 'gzip'])])),
  ),
];
