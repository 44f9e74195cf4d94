import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import * as fc from 'fast-check';
import t from 'tap';
import { answerHead, reasonOf } from '../../src/proxy/http1-head.ts';

type Asked = { method: string; minor: number; keepAlive: boolean };

/** What Node makes of it: the head, and whether chunks or the end of the connection follow. */
function byNode({ method, minor, keepAlive }: Asked, status: number, list: string[]) {
  const req = Object.assign(new IncomingMessage(new Socket()), {
    method,
    httpVersion: `1.${minor}`,
    httpVersionMajor: 1,
    httpVersionMinor: minor,
  });
  const res = Object.assign(new ServerResponse(req), { shouldKeepAlive: keepAlive, _keepAliveTimeout: 5000 });
  res.writeHead(status, reasonOf(status), list);
  const { _header: text, chunkedEncoding: chunked, _last: last } = res as unknown as Record<string, unknown>;
  return { text, chunked, last };
}

function byUs({ method, minor, keepAlive }: Asked, status: number, list: string[]) {
  return answerHead(status, reasonOf(status), list, {
    hasBody: method !== 'HEAD' && status !== 204 && status !== 304,
    takesChunks: minor === 1,
    keepAlive,
    keepAliveTimeout: 5000,
  });
}

const header = fc.oneof(
  fc.constantFrom(
    ['Content-Length', '5'],
    ['content-length', '0'],
    ['Connection', 'close'],
    ['Date', 'Fri, 27 Nov 2026 20:00:00 GMT'],
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=b'],
  ),
  fc.tuple(fc.stringMatching(/^x-[a-z]{1,12}$/), fc.stringMatching(/^[\x21-\x7e\u00e4]{0,20}$/)),
);
const asked = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST'),
  minor: fc.constantFrom(0, 1),
  keepAlive: fc.boolean(),
});
const withoutDate = (text: unknown) => String(text).replace(/\r\nDate: [^\r]*GMT/, '\r\nDate');

await t.test('a head is the one that Node would write', async () => {
  fc.assert(
    fc.property(
      asked,
      fc.constantFrom(200, 201, 204, 301, 304, 404, 500, 599),
      fc.uniqueArray(header, { selector: ([name = '']) => name.toLowerCase() }),
      (asked, status, headers) => {
        // Node's server does not keep the connection of an old client.
        if (asked.minor === 0) asked.keepAlive = false;
        const [node, own] = [byNode(asked, status, headers.flat()), byUs(asked, status, headers.flat())];
        assert.deepEqual({ ...own, text: withoutDate(own.text) }, { ...node, text: withoutDate(node.text) });
      },
    ),
    { numRuns: 1000 },
  );
});

await t.test('nothing breaks out of a field', async (t) => {
  const framed = { hasBody: true, takesChunks: true, keepAlive: true, keepAliveTimeout: 5000 };
  for (const bad of ['a\r\nb', 'a\nb', 'a\0', '\x7f', '\u0100'])
    for (const [reason, value] of [
      [bad, 'good'],
      ['good', bad],
    ] as const)
      t.throws(() => answerHead(200, reason, ['X-Field', value], framed), { name: 'TypeError' });
});
