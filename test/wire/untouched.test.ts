import t from 'tap';
import { gzipSync } from 'node:zlib';
import { sendRaw } from '../support/client.ts';
import { asks, headOf, startBefore, startReplier, valuesOf } from '../support/peers.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);

/** One GET: the fields the upstream saw, and the answer the client saw. */
async function exchange(path: string, fields: string[], answer?: string) {
  if (answer !== undefined) upstream.reply = () => answer;
  const received = await sendRaw(
    proxy.port,
    asks(`GET ${path} HTTP/1.1`, 'Connection: close', ...fields),
    false,
  );
  return { seen: headOf(upstream.heads.at(-1) ?? '').fields, ...headOf(received) };
}

await t.test('37 Several Set-Cookie stay several, as they were written', async (t) => {
  const cookies = ['a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT', 'b="x, y"; Path=/', 'a=2', 'empty='];
  const answer = `HTTP/1.1 200 OK\r\n${cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join('')}Content-Length: 2\r\n\r\nok`;
  for (const path of ['/fact/', '/plain'])
    t.same(valuesOf((await exchange(path, [], answer)).fields, 'Set-Cookie'), cookies, path);
});

await t.test(
  '38 Repeated headers keep their number, their order and their spelling, both ways',
  async (t) => {
    const fields = [
      'X-Many: one',
      'Accept: text/html',
      'x-many: two, three',
      'WARNING: 199 - "a, b"',
      'X-MANY: one',
      'Warning: 299 - "c"',
      'X-Empty:',
      'X-Bytes: caf\xe9 \xff\x80',
    ];
    const { seen, ...answer } = await exchange(
      '/plain',
      fields,
      `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`,
    );
    const own = /^(x-many|accept|warning|x-empty|x-bytes):/i;
    const tidy = (list: string[]) => list.filter((field) => own.test(field)).map((field) => field.trim());
    t.same(tidy(seen), fields);
    t.same(tidy(answer.fields), fields);
  },
);

await t.test('39 No User-Agent is invented, nor anything else that speaks for one side', async (t) => {
  const { seen, fields } = await exchange('/plain', [], 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  for (const name of ['User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Content-Length'])
    t.same(valuesOf(seen, name), [], name);
  for (const name of ['Server', 'Content-Type', 'X-Powered-By', 'Cache-Control', 'ETag', 'Via'])
    t.same(valuesOf(fields, name), [], name);
  const named = await exchange('/plain', ['User-Agent: raccoon/1 (x; y)']);
  t.same(valuesOf(named.seen, 'User-Agent'), ['raccoon/1 (x; y)'], 'and one that is there stays');
});

await t.test('57 Range and 206 pass untouched', async (t) => {
  const asked = ['Range: bytes=2-5, -1', 'If-Range: "v1"'];
  const said = ['Content-Range: bytes 2-5/10', 'Accept-Ranges: bytes', 'ETag: "v1"', 'Content-Length: 4'];
  for (const path of ['/fact/', '/plain']) {
    const answer = `HTTP/1.1 206 Partial Content\r\n${said.join('\r\n')}\r\n\r\n2345`;
    const { seen, line, fields, rest } = await exchange(path, asked, answer);
    for (const field of asked) t.ok(seen.includes(field), field);
    t.equal(line, 'HTTP/1.1 206 Partial Content');
    for (const field of said) t.ok(fields.includes(field), field);
    t.equal(rest, '2345');
  }
  const { line, fields } = await exchange(
    '/plain',
    ['Range: bytes=99-'],
    'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n',
  );
  t.equal(line, 'HTTP/1.1 416 Range Not Satisfiable');
  t.same(valuesOf(fields, 'Content-Range'), ['bytes */10']);
});

await t.test('57 ETag, If-None-Match and 304 pass untouched', async (t) => {
  const asked = ['If-None-Match: W/"a", "b,c"', 'If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT'];
  const said = [
    'ETag: W/"a"',
    'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT',
    'Date: Fri, 02 Jan 2015 00:00:00 GMT',
  ];
  const answer = `HTTP/1.1 304 Not Modified\r\n${said.join('\r\n')}\r\n\r\n`;
  const { seen, line, fields, rest } = await exchange('/fact/', asked, answer);
  for (const field of asked) t.ok(seen.includes(field), field);
  t.equal(line, 'HTTP/1.1 304 Not Modified');
  for (const field of said) t.ok(fields.includes(field), field);
  t.equal(rest, '');
});

await t.test('57 Content-Encoding and the bytes under it pass untouched', async (t) => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
  const zipped = gzipSync('raccoons wash their food '.repeat(50)).toString('latin1');
  for (const body of [everyByte, zipped]) {
    const said = ['Content-Encoding: gzip', 'Content-Type: text/plain', `Content-Length: ${body.length}`];
    const { seen, fields, rest } = await exchange(
      '/fact/',
      ['Accept-Encoding: gzip;q=0.9, br'],
      `HTTP/1.1 200 OK\r\n${said.join('\r\n')}\r\n\r\n${body}`,
    );
    t.same(valuesOf(seen, 'Accept-Encoding'), ['gzip;q=0.9, br']);
    for (const field of said) t.ok(fields.includes(field), field);
    t.equal(rest, body);
  }
  const plain = await exchange('/fact/', [], `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
  t.same(valuesOf(plain.fields, 'Content-Encoding'), [], 'nothing is compressed that was not');
});
