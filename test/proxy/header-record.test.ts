import assert from 'node:assert/strict';
import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import * as fc from 'fast-check';
import t from 'tap';
import { recordOf } from '../../src/proxy/header-record.ts';

function byNode(list: string[]): IncomingHttpHeaders {
  const message = new IncomingMessage(new Socket());
  (message as unknown as { _addHeaderLines(list: string[], count: number): void })._addHeaderLines(
    list,
    list.length,
  );
  return message.headers;
}

const singles = 'Age Authorization Content-Length Content-Type ETag Expires From Host If-Modified-Since';
const more =
  'If-Unmodified-Since Last-Modified Location Max-Forwards Proxy-Authorization Referer Retry-After';
const others =
  'Server User-Agent Cookie Set-Cookie Accept Via X-Request-Id x-request-id HOST cookie constructor';
const name = fc.oneof(
  fc.constantFrom(...`${singles} ${more} ${others}`.split(' ')),
  fc.stringMatching(/^[!#$%&'*+.^`|~\dA-Za-z-][!#$%&'*+.^_`|~\dA-Za-z-]{0,70}$/),
);

await t.test('a record is the one that Node makes of the same headers', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.stringMatching(/^[ -~]{0,8}$/))), (headers) => {
      const list = headers.flat();
      assert.deepEqual({ ...recordOf(list) }, { ...byNode(list) });
    }),
    { numRuns: 500 },
  );
});

await t.test('no name reaches what every object has', async (t) => {
  const record = recordOf(['__proto__', 'polluted', 'constructor', 'named']);
  t.equal(record['__proto__'], 'polluted');
  t.equal(record['constructor'], 'named');
  t.equal(record['toString'], undefined);
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

await t.test('names beyond those that are remembered are read all the same', async (t) => {
  for (let i = 0; i < 1000; i += 1) t.equal(recordOf([`X-Name-${i}`, 'value'])[`x-name-${i}`], 'value');
});
