import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

await t.test('a key that is reserved is refused, not ignored', async (t) => {
  const cases = {
    'listen: { address: 127.0.0.1:0, tls: {} }': '3:33 listen.tls',
  };
  for (const [line, place] of Object.entries(cases))
    t.strictSame(await problemsOf(minimal + line), [`${place}: not supported by this version; remove it`]);
});

await t.test('no list of allowed keys offers one', async (t) => {
  const [problem = ''] = await problemsOf(`${minimal}listen: { address: 127.0.0.1:0, x: 1 }`);
  t.match(problem, 'allowed: address');
  t.notMatch(problem, /tls|http2|proxyProtocol/);
});
