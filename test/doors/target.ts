import { converse, startRecorder, statusOf } from '../support/wire.ts';
import { both, each, refusesBytes, refusesFields, type Run } from './behaviour.ts';
import { valuesOf } from './door.ts';

/** Target: 24 to 30. */
const authority: Run = async (t, { door, asked, recorded: { port, upstream } }) => {
  const inside = await startRecorder(t);
  const address = `127.0.0.1:${inside.port}`;
  if (!door.http2)
    for (const [target, path] of [
      [`http://${address}/fact/?a`, '/fact/?a'],
      [`HTTP://${address}//a/../b`, '//a/../b'],
    ] as const) {
      const bytes = `GET ${target} HTTP/1.1\r\nHost: ignored.example\r\nConnection: close\r\n\r\n`;
      const { answers } = await converse(() => door.connect(port), bytes);
      const message = upstream.messages.at(-1);
      t.same(
        [
          answers.map(statusOf),
          message?.startLine,
          message?.values('host'),
          message?.values('x-forwarded-host'),
        ],
        [[200], `GET ${path} HTTP/1.1`, [`127.0.0.1:${upstream.port}`], [address]],
        target,
      );
    }
  const { message } = await asked({ host: address, path: '/secret' });
  t.same(
    [message.startLine, message.values('host'), message.values('x-forwarded-host')],
    ['GET /secret HTTP/1.1', [`127.0.0.1:${upstream.port}`], [address]],
    'the authority is told, and no more',
  );
  for (const [host, path] of [
    ['named.example', '/base/named/'],
    ['NAMED.example:99', '/base/named/'],
    ['other.example', '/named/'],
  ] as const) {
    const { message } = await asked({ host, path: '/named/' });
    t.equal(message.startLine, `GET ${path} HTTP/1.1`, `${host} chooses its route`);
  }
  t.equal(inside.connections(), 0, 'nobody comes where it points');
};

/** A path in HTTP/2 is a path (RFC 9113 §8.3.1). */
const noPaths = ['http://inside.example/', 'inside.example', '', '?a', '*'].map((path) => ({
  fields: [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', path],
  ] as const,
}));

const asterisk: Run = async (t, { door, asked, start }) => {
  const { message } = await asked({ method: 'OPTIONS', path: '*' });
  t.equal(message.startLine, 'OPTIONS * HTTP/1.1');
  const upstream = await startRecorder(t);
  const yaml = (path: string) =>
    `upstreams: { api: { url: "${upstream.url}/base" } }\nroutes: [{ name: api, match: { path: ${path} }, upstream: api }]\n`;
  const based = await start(t, yaml('/'));
  const second = await asked({ method: 'OPTIONS', path: '*' }, { port: based.port, upstream });
  t.equal(second.message.startLine, 'OPTIONS * HTTP/1.1', 'without a base path');
  const without = await start(t, yaml('/api/'));
  const connection = await door.open(without.port);
  t.match(
    await connection.ask({ method: 'OPTIONS', path: '*' }).done(),
    { status: 404 },
    'for the route of /',
  );
  connection.destroy();
};

const passes =
  (paths: readonly string[]): Run =>
  async (t, { asked }) => {
    for (const path of paths)
      for (const [place, base] of [
        [path, ''],
        [`/based${path}`, '/base'],
      ] as const) {
        if (base !== '' && !path.startsWith('/')) continue;
        const { message } = await asked({ path: place });
        t.equal(message.startLine, `GET ${base}${place} HTTP/1.1`, place);
      }
  };

const joined: Run = async (t, { asked, recorded: { upstream }, start }) => {
  for (const [base, path, sent] of [
    ['/base', '/', '/base/'],
    ['/base/', '/', '/base/'],
    ['/base/', '/base', '/base/base'],
    ['/base', '/base/', '/base/base/'],
    ['/base/', '//', '/base//'],
    ['/base', '/?/base', '/base/?/base'],
    ['/a%2Fb//c/', '/x', '/a%2Fb//c/x'],
  ] as const) {
    const yaml = `upstreams: { api: { url: "${upstream.url}${base}" } }\nroutes: [{ name: all, upstream: api }]\n`;
    const { port } = await start(t, yaml);
    const { message } = await asked({ path }, { port, upstream });
    t.equal(message.startLine, `GET ${sent} HTTP/1.1`, `${path} behind ${base}`);
  }
};

const hostAndBack: Run = async (t, { door, asked, answered, recorded: { port, upstream }, speaker }) => {
  const own = await asked();
  t.same(own.message.values('host'), [`127.0.0.1:${upstream.port}`], "Host is the upstream's own");
  for (const host of ['Client.Example:8080', '[::1]:80']) {
    const { message } = await asked({ host, path: '/kept/' });
    t.same(
      [message.values('host'), message.values('x-forwarded-host')],
      [[host], [host]],
      'with preserveHost',
    );
  }

  for (const [said, seen] of [
    [`${speaker.url}/base/new?a#b`, '/new?a#b'],
    ['/base/new', '/new'],
    ['/other', '/other'],
    ['https://other.example/base/', 'https://other.example/base/'],
  ] as const) {
    const bytes = `HTTP/1.1 302 Found\r\nLocation: ${said}\r\nSet-Cookie: a=1; Path=/base/x\r\nSet-Cookie: b=2; Path=/other\r\nContent-Length: 0\r\n\r\n`;
    const { answer } = await answered({ path: '/based/' }, bytes);
    t.same(valuesOf(answer.fields, 'location'), [seen], said);
    t.same(valuesOf(answer.fields, 'set-cookie'), ['a=1; Path=/x', 'b=2; Path=/other']);
  }

  const [via = ''] = own.message.values('via');
  const before = upstream.messages.length;
  const connection = await door.open(port);
  const again = await connection.ask({ fields: [['Via', `1.0 first.example, ${via}`]] }).done();
  connection.destroy();
  t.equal(again.status, 508, 'what has been here is refused');
  t.equal(upstream.messages.length, before);
  const other = await asked({ fields: [['Via', '1.0 first.example']] });
  t.equal(other.message.values('via').join(', ').startsWith('1.0 first.example, '), true, 'others pass');
};

const connect = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;
const connectTo = (authority: string) => ({
  fields: [
    [':method', 'CONNECT'],
    [':authority', authority],
  ] as const,
});

export const target = [
  each(
    24,
    "The authority of an absolute target stands in for Host, for routes and `X-Forwarded-Host`; it never chooses the upstream's address",
    authority,
    async (t, world) => {
      await authority(t, world);
      await refusesFields(400, noPaths)(t, world);
    },
  ),
  both(25, '`OPTIONS *` stays `*`, for the route that serves `/`', asterisk),
  each(
    26,
    'CONNECT: 501',
    refusesBytes(501, [connect('127.0.0.1:1'), connect('other.example:443')]),
    refusesFields(501, [connectTo('127.0.0.1:1'), connectTo('other.example:443')]),
  ),
  both(
    27,
    'Paths pass byte for byte: `//`, `%2F`, `%2e%2e`',
    passes([
      '//',
      '///a//b///',
      '/a%2Fb%5c',
      '/%2e%2e/a',
      '/../../a',
      '/./b/..',
      '/%zz%',
      '/%00%0d%0a',
      "/!$&'()*+,-._~:@;=",
      '/"<>[]^`{|}\\',
      '/http://other.example/',
    ]),
  ),
  both(
    28,
    'So do queries: `;`, `%zz`, a bare `?`',
    passes([
      '/?',
      '/a??',
      '/a?b=1;c=2',
      '/a?%zz',
      '/a?b=c+d%20e%2B',
      '/a?=&&b',
      '/a?b=/../c//d?e',
      '/a?"<>[]^`{|}\\',
    ]),
  ),
  both(29, "The upstream's base path is joined once", joined),
  both(
    30,
    "Host is the upstream's own, with `preserveHost` the client's; redirects and cookie paths are mapped back; a loop (`Via`) is 508",
    hostAndBack,
  ),
];
