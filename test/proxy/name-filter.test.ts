import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { requestHeaders, responseHeaders, type RequestFacts } from '../../src/proxy/headers.ts';
import { mayBeOneOf } from '../../src/proxy/name-filter.ts';

const name = fc.stringMatching(/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,40}$/);

/** A name as somebody may write it: each letter in either case, `_` for `-`. */
const spelled = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) =>
      Array.from(text, (letter, at) => (upper[at] === true ? letter.toUpperCase() : letter)).join(''),
    );

await t.test('a name that is one of them is never told from them, however it is spelled', async () => {
  fc.assert(
    fc.property(
      fc
        .uniqueArray(
          name.map((one) => one.toLowerCase()),
          { minLength: 1 },
        )
        .chain((names) => fc.tuple(fc.constant(names), fc.constantFrom(...names).chain(spelled))),
      ([names, written]) => mayBeOneOf(names)(written),
    ),
  );
});

await t.test('a name of another length or letter is', async (t) => {
  const mayBe = mayBeOneOf(['connection', 'te']);
  for (const other of ['Content-Type', 'Date', 'Accept', 't', 'tea', '']) t.notOk(mayBe(other), other);
});

const facts: RequestFacts = {
  host: 'v0:80',
  requestId: 'id',
  version: '0',
  clientAddress: '192.0.2.1',
  clientHost: 'api.example',
  clientProtocol: 'http',
  upgrading: false,
  trusted: false,
  received: '1.1',
  pseudonym: 'trenchcoat-1',
  overrideHeader: 'x-override',
  propagated: undefined,
};

const hops = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
const owned = [
  'host',
  'x-request-id',
  'x-real-ip',
  'cf-connecting-ip',
  'fly-client-ip',
  'x-override',
  'x_forwarded_for',
];
const field = fc.oneof(
  name,
  fc.constantFrom(...hops, ...owned, 'x-forwarded-a-very-long-name-of-its-own').chain(spelled),
);

// What Connection nominates has every name looked at as a whole.
await t.test('what is kept of a head does not depend on how names are looked at', async () => {
  fc.assert(
    fc.property(fc.array(field), (names) => {
      const list = names.flatMap((one) => (one.toLowerCase() === 'connection' ? [] : [one, 'value']));
      const looked = [...list, 'Connection', 'x-none-is-named-like-this'];
      assert.deepEqual(requestHeaders(list, facts), requestHeaders(looked, facts));
      assert.deepEqual(
        responseHeaders(list, undefined, undefined),
        responseHeaders(looked, undefined, undefined),
      );
      const stamp = { version: '1', vary: ['Cookie'], minted: [], secure: false };
      assert.deepEqual(responseHeaders(list, stamp, undefined), responseHeaders(looked, stamp, undefined));
    }),
    { numRuns: 300 },
  );
});
