import t from 'tap';
import { converse, get, plain, refusal, serves, startWire, statusOf } from '../support/wire.ts';

const wire = await startWire(t);
const based = await startWire(t, (url) => plain(`${url}/base`));
const slashed = await startWire(t, (url) => plain(`${url}/base/`));

/** Shows that the upstream gets `target` as it was sent, behind the base path where there is one. */
async function passes(t: Parameters<typeof serves>[0], target: string): Promise<void> {
  for (const [to, base] of [
    [wire, ''],
    [based, '/base'],
    [slashed, '/base'],
  ] as const) {
    const message = await serves(t, to, get(target), `${base} ${target}`);
    t.equal(message?.startLine, `GET ${base}${target} HTTP/1.1`, `${base} ${target}: byte for byte`);
  }
}

// What a path means is the upstream's to say. A proxy that decodes, joins or resolves lets through, or sends
// elsewhere, what was matched under another name.
await t.test('27 //, %2F and %2e%2e pass byte for byte', async (t) => {
  for (const target of [
    '/',
    '//',
    '///a//b///',
    '//other.example/a',
    '/a%2Fb',
    '/a%2fb%5Cc',
    '/%2e%2e/a',
    '/%2E%2E%2f%2e%2e%2fetc',
    '/../../a',
    '/a/./b/../c/..',
    '/.',
    '/%',
    '/%zz%',
    '/%00%0d%0a',
    '/%u002e',
    '/%C3%A9',
    '/a;b=c;d/e;f',
    "/!$&'()*+,-._~:@",
    '/"<>[]^`{|}\\',
    '/a:80',
    '/http://other.example/',
    '/*',
  ])
    await passes(t, target);
});

await t.test('28 a query with ;, %zz or nothing passes byte for byte', async (t) => {
  for (const target of [
    '/?',
    '/a?',
    '/a??',
    '/a?b=1;c=2',
    '/a?%zz',
    '/a?b=%',
    '/a?b=c+d%20e%2B',
    '/a?b&b&&c=',
    '/a?=',
    '/a?b=/../c//d?e',
    '/a?url=http://other.example/?x=y',
    '/a?"<>[]^`{|}\\',
    "/a?b[]=1&b[]='2'",
    '//?//',
  ])
    await passes(t, target);
});

// Old clients send raw UTF-8 or Latin-1, and a `#`. Either is kept as it is or refused, never changed.
await t.test('27 what no target should hold passes byte for byte or is refused', async (t) => {
  for (const target of [
    '/caf\xe9',
    '/caf\xc3\xa9',
    '/\x80\xff',
    '/?q=\xe9',
    '/\xa0',
    '/\xc0\xae\xc0\xae/',
    '/a#b',
    '/?a#b',
  ]) {
    const before = based.upstream.bytes().length;
    const { answers, ended } = await converse(based.port, get(target));
    const sent = based.upstream.bytes().slice(before);
    t.ok(ended, target);
    if (statusOf(answers[0]) === 200)
      t.equal(sent.slice(0, sent.indexOf('\r\n')), `GET /base${target} HTTP/1.1`, `${target}: byte for byte`);
    else {
      t.same([answers.map(statusOf), sent], [[400], ''], `${target}: refused`);
      t.match(refusal(answers[0]), { connection: ['close'], problem: 400 });
    }
  }
});

await t.test('29 the base path of the upstream is joined once', async (t) => {
  const deep = await startWire(t, (url) => plain(`${url}/a%2Fb//c/`));
  for (const [to, target, sent] of [
    [based, '/', '/base/'],
    [slashed, '/', '/base/'],
    [based, '/base/', '/base/base/'],
    [slashed, '/base', '/base/base'],
    [slashed, '//', '/base//'],
    [slashed, '/?', '/base/?'],
    [based, '/?/base', '/base/?/base'],
    [based, 'http://other.example?x', '/base/?x'],
    [slashed, 'http://other.example//x', '/base//x'],
    [deep, '/x', '/a%2Fb//c/x'],
  ] as const) {
    const message = await serves(t, to, get(target), target);
    t.equal(message?.startLine, `GET ${sent} HTTP/1.1`, `${target} → ${sent}`);
  }
});
