import t from 'tap';
import { sendRaw } from '../support/client.ts';
import { problemsOf } from '../support/config.ts';
import { asks, headOf, okAnswer, startBefore, startReplier, valuesOf } from '../support/peers.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';

/** What ends a line, a field, an attribute or a string somewhere, and yet is no malformed HTTP. UTF-8, byte by byte. */
const hostile = [
  ['encoded line ends', '%0d%0aX-Evil:%201'],
  ['doubly encoded', '%250d%250aX-Evil:1'],
  ['line ends in other codes', '\xc4\x8d\xc4\x8aX-Evil:1'],
  ['line and paragraph separators', '\xe2\x80\xa8\xe2\x80\xa9X-Evil:1'],
  ['NEL, in one byte and in two', '\x85X-Evil:1\xc2\x85'],
  ['overlong line ends', '\xc0\x8d\xc0\x8aX-Evil:1'],
  ['quotes and backslashes', String.raw`"},{"level":"fatal","X-Evil":"\n\u000a`],
  ['attributes of a cookie', 'a;Domain=evil.example;X-Evil'],
  ['lists', 'a,b,X-Evil'],
  ['nothing but bytes', '\xff\xfe\x80X-Evil'],
] as const;

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);

/** What the client got, and what the upstream got if it got anything. */
async function ask(target: string, ...fields: string[]) {
  const before = upstream.heads.length;
  const lines = [`GET ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...fields, '\r\n'];
  const answer = await sendRaw(proxy.port, lines.join('\r\n'), false);
  return {
    answer: headOf(answer),
    sent: upstream.heads.length > before ? headOf(upstream.heads.at(-1) ?? '') : undefined,
  };
}

await t.test('an id of a request is ours unless it is a plain word', async (t) => {
  for (const [name, text] of hostile) {
    const { sent } = await ask('/fact/', `X-Request-Id: ${text}`, 'Cookie: uid=alice');
    t.match(valuesOf(sent?.fields ?? [], 'X-Request-Id'), [uuid], name);
    const { answer } = await ask('/ no', `X-Request-Id: ${text}`);
    t.match(answer.line, / 400 /);
    t.notMatch(answer.rest, /evil/i, 'nor is it told back');
  }
});

await t.test('a key is minted anew unless it is one of ours, and only ours is set', async (t) => {
  for (const [name, text] of hostile) {
    const { answer } = await ask('/fact/', `Cookie: trenchcoat_id=${text}; a=${text}`);
    const [cookie = '', ...more] = valuesOf(answer.fields, 'Set-Cookie');
    t.match(cookie, /^trenchcoat_id=[\da-f-]{36}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/, name);
    t.same(more, []);
    t.notMatch(answer.fields.join('\n'), /evil/i);
  }
});

await t.test('of a trace, only what is one is believed', async (t) => {
  for (const [name, text] of hostile) {
    const id = `trace-${name.replaceAll(/\W/g, '-')}`;
    await ask(
      '/fact/',
      `traceparent: 00-${text}-01`,
      `tracestate: ${text}`,
      `X-Request-Id: ${id}`,
      'Cookie: uid=alice',
    );
    t.equal((await proxy.accessLine(id)).traceId, undefined, name);
  }
});

await t.test('a path is a line of a request and a string of a log, and stays both', async (t) => {
  for (const [i, [name, text]] of hostile.entries()) {
    const { answer, sent } = await ask(`/fact/${text}`, `X-Request-Id: path-${i}`, 'Cookie: uid=alice');
    if (sent === undefined) {
      t.match(answer.line, / 400 /, `${name}: refused`);
      continue;
    }
    t.equal(sent.line, `GET /fact/${text} HTTP/1.1`, `${name}: byte for byte`);
    t.equal((await proxy.accessLine(`path-${i}`)).path, `/fact/${text}`, name);
  }
});

await t.test('a method is one word that is known', async (t) => {
  for (const method of ['GET\x85', 'G\xe2\x80\xa8ET', 'GET%0d%0a', '"GET"', 'get', 'EVIL', '\x1b[31mGET']) {
    const before = upstream.heads.length;
    const answer = await sendRaw(proxy.port, `${method} /fact/ HTTP/1.1\r\nHost: a\r\n\r\n`, false);
    t.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(method));
    t.equal(upstream.heads.length, before);
  }
});

await t.test('no line of the log was made by any of this', async (t) => {
  t.same(proxy.logLines('fatal'), []);
  const lines = proxy.logText().trimEnd().split('\n');
  t.ok(lines.length > 3 * hostile.length);
  for (const line of lines) {
    t.ok(typeof (JSON.parse(line) as { time?: unknown }).time === 'string');
    if (/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u.test(line))
      t.fail(`a character that a terminal would act on: ${JSON.stringify(line)}`);
  }
});

/** Where an upstream could put a line end, in the hope that it comes out as one. */
const places = [
  (bytes: string) => `HTTP/1.1 200 O${bytes}X-Evil: 1\r\nContent-Length: 2\r\n\r\nok`,
  (bytes: string) => `HTTP/1.1 200 OK\r\nX-Any: a${bytes}X-Evil: 1\r\nContent-Length: 2\r\n\r\nok`,
  (bytes: string) => `HTTP/1.1 200 OK\r\nX-An${bytes}X-Evil: 1\r\nContent-Length: 2\r\n\r\nok`,
  (bytes: string) => `HTTP/1.1 302 Found\r\nLocation: /a${bytes}X-Evil: 1\r\nContent-Length: 2\r\n\r\nok`,
  (bytes: string) => `HTTP/1.1 200 OK\r\nSet-Cookie: a=1${bytes}X-Evil: 1\r\nContent-Length: 2\r\n\r\nok`,
  (bytes: string) =>
    `HTTP/1.1 200 OK\r\nVary: a${bytes}X-Evil: 1\r\nCache-Control: b\r\nContent-Length: 2\r\n\r\nok`,
  (bytes: string) => `HTTP/1.1 103 Early Hints\r\nLink: a${bytes}X-Evil: 1\r\n\r\n${okAnswer}`,
];

await t.test('no answer of an upstream becomes two, or gains a line', async (t) => {
  for (const [i, place] of places.entries())
    for (const bytes of ['\r', '\n', '\0', '\r\r', '\n\r', '\x0b', '\x0c', '\x7f', '\r\n\x01', '\r\n ']) {
      upstream.reply = (_head, socket) => {
        socket.end(place(bytes), 'latin1');
        return '';
      };
      const answer = await sendRaw(proxy.port, asks('GET /fact/ HTTP/1.1', 'Connection: close'), false);
      const name = `place ${i}, ${JSON.stringify(bytes)}`;
      t.match(answer, /^HTTP\/1\.1 502 /, name);
      t.notMatch(answer, /evil/i, name);
      t.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, name);
    }
  upstream.reply = () => okAnswer;
});

await t.test('what is encoded stays so, where addresses are mapped back too', async (t) => {
  const based = await startReplier(t);
  const { port } = await startBefore(t, `${based.url}/base`);
  for (const [name, text] of hostile) {
    based.reply = () =>
      `HTTP/1.1 302 Found\r\nLocation: ${based.url}/base/${text}\r\nSet-Cookie: a=${text}; Path=/base/${text}\r\nContent-Length: 0\r\n\r\n`;
    const answer = headOf(await sendRaw(port, asks('GET /fact/ HTTP/1.1', 'Connection: close'), false));
    // A browser takes a backslash for a slash, so that is left alone.
    const mapped = text.includes('\\') ? `${based.url}/base/${text}` : `/${text}`;
    t.same(valuesOf(answer.fields, 'Location'), [mapped], name);
    t.same(valuesOf(answer.fields, 'X-Evil'), [], name);
    t.equal(valuesOf(answer.fields, 'Set-Cookie').length, 1, name);
  }
});

await t.test('a value of a flag is a version of the route or nothing', async (t) => {
  for (const value of [
    '"1\\r\\nX-Evil: 1"',
    '"1\\n"',
    '" 1"',
    '"1, 0"',
    '[1]',
    '{ evil: 1 }',
    'null',
    '"\\u2028"',
  ]) {
    const flags = evenFlags
      .replace('variations: [0, 1]', `variations: [0, ${value}]`)
      .replace(/fallthrough: .*/, 'fallthrough: { variation: 1 }');
    const served = await startProxy(t, flagged(upstream.url, upstream.url), {
      'flags.yaml': flags,
    });
    const answer = headOf(
      await sendRaw(
        served.port,
        'GET /fact/ HTTP/1.1\r\nHost: a\r\nX-User-Id: 7\r\nConnection: close\r\n\r\n',
        false,
      ),
    );
    t.same(valuesOf(answer.fields, 'X-Api-Version'), ['0'], value);
    t.notMatch(answer.fields.join('\n'), /evil/i, value);
    t.notMatch(served.logText(), /[\u2028\r]/);
  }
});

const yaml = (cookie: string, header: string, version: string) => `
context: { user: { key: [{ header: ${header} }], anonymous: { cookie: ${cookie} } } }
upstreams: { a: { url: "http://127.0.0.1:1" } }
flags: { source: local, file: flags.yaml }
routes: [{ name: all, flag: f, versions: { "0": a, ${version}: a }, default: "0" }]
`;

await t.test('no name or version that the configuration takes could end a line', async (t) => {
  t.same(await problemsOf(yaml('id', 'X-Id', '"1"')), []);
  for (const text of [
    '"a\\r\\nX-Evil: 1"',
    '"a;Domain=evil.example"',
    '"a=b"',
    '"a b"',
    '"a\\0"',
    '"ä"',
    '""',
  ]) {
    t.match(await problemsOf(yaml(text, 'X-Id', '"1"')), [/anonymous\.cookie/], `a cookie ${text}`);
    t.match(await problemsOf(yaml('id', text, '"1"')), [/key\[0\]\.header/], `a header ${text}`);
  }
  for (const text of ['"1\\r\\nX-Evil: 1"', '"1 "', '"\\0"', '"ä"', '""'])
    t.match(await problemsOf(yaml('id', 'X-Id', text)), [/versions/], `a version ${text}`);
});
