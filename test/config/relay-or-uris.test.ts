import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

await t.test('a relay and addresses of another instance exclude each other', async (t) => {
  const uris = '{ base: http://a, stream: http://a, events: http://a }';
  t.strictSame(
    await problemsOf(`${minimal}flags: { source: launchdarkly, sdkKey: k, relay: http://r, uris: ${uris} }`),
    ['3:50 flags.relay: `relay` and `uris` exclude each other; remove one'],
  );
});
