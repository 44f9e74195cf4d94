import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { authority, type Issued } from '../support/authority.ts';
import { openPool, send } from '../support/exchange.ts';
import { startTlsUpstream } from '../support/tls-upstream.ts';
import { until } from '../support/client.ts';

const ours = authority();
const theirs = authority('Another authority');

/** PEM files by name, as paths. */
function files(t: Test, texts: Record<string, string>): Record<string, string> {
  const folder = t.testdir(texts);
  return Object.fromEntries(Object.keys(texts).map((name) => [name, join(folder, name)]));
}

const close = { headers: ['Host', 'a', 'Connection', 'close'] };

await t.test(
  'an upstream is believed when its authority is ours and its name is the one asked for',
  async (t) => {
    const { ca } = files(t, { ca: ours.cert });
    const table: [
      string,
      Issued,
      { ca?: string | undefined; servername?: string; verify?: boolean },
      string?,
    ][] = [
      ['ours', ours.issue(), { ca }],
      ['expired', ours.issue({ expired: true }), { ca }, 'tls_expired'],
      ['not yet valid', ours.issue({ from: 1 }), { ca }, 'tls_expired'],
      ['from another authority', theirs.issue(), { ca }, 'tls_unknown_authority'],
      ['from another of the same name', authority().issue(), { ca }, 'tls_unknown_authority'],
      ['from an authority that Node does not know', ours.issue(), {}, 'tls_unknown_authority'],
      ['for another name', ours.issue({ names: ['other.example'] }), { ca }, 'tls_wrong_name'],
      ['for another address', ours.issue({ names: ['127.0.0.2'] }), { ca }, 'tls_wrong_name'],
      [
        'for the name it is to have',
        ours.issue({ names: ['other.example'] }),
        { ca, servername: 'other.example' },
      ],
      ['for the address it is to have', ours.issue({ names: ['10.0.0.1'] }), { ca, servername: '10.0.0.1' }],
      ['not for the name it is to have', ours.issue(), { ca, servername: 'other.example' }, 'tls_wrong_name'],
      ['any, when nobody verifies', theirs.issue({ names: ['x.example'], expired: true }), { verify: false }],
    ];
    for (const [name, certificate, tls, error] of table) {
      const upstream = await startTlsUpstream(t, certificate);
      const answer = await send(openPool(t, upstream.url, { tls })).done;
      t.match(answer, error === undefined ? { status: 200, error } : { events: ['error'], error }, name);
      if (error === undefined)
        t.equal(
          upstream.seen[0]?.servername,
          tls.servername === 'other.example' ? 'other.example' : false,
          name,
        );
    }
  },
);

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  await t.test(`an upstream that wants to know who we are, in ${maxVersion}`, async (t) => {
    const me = ours.issue({ names: ['proxy.example'] });
    const foreign = theirs.issue({ names: ['foreign.example'] });
    const { ca, cert, key, otherCert, otherKey } = files(t, {
      ca: ours.cert,
      ...me,
      otherCert: foreign.cert,
      otherKey: foreign.key,
    });
    const upstream = await startTlsUpstream(t, {
      ...ours.issue(),
      ca: ours.cert,
      requestCert: true,
      maxVersion,
    });

    await t.test('is told', async (t) => {
      const pool = openPool(t, upstream.url, { tls: { ca, cert, key } });
      t.match(await send(pool).done, { status: 200 });
      t.match(upstream.seen.at(-1), { client: 'proxy.example' });
    });

    // Some say why, and some, such as Node, close without a word when it is a certificate that they do not like.
    await t.test('refuses nobody, and one whom it does not know', async (t) => {
      t.match(await send(openPool(t, upstream.url, { tls: { ca } })).done, { error: 'tls_refused' });
      const foreigner = openPool(t, upstream.url, { tls: { ca, cert: otherCert, key: otherKey } });
      t.match(await send(foreigner).done, { error: /^(tls_refused|reset)$/ });
      t.equal(upstream.seen.length, 1);
    });
  });

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  await t.test(`a further connection resumes what was agreed before, in ${maxVersion}`, async (t) => {
    const { ca } = files(t, { ca: ours.cert });
    const upstream = await startTlsUpstream(t, { ...ours.issue(), maxVersion });
    const pool = openPool(t, upstream.url, { tls: { ca } });
    for (let i = 0; i < 4; i++) t.match(await send(pool, close).done, { status: 200 });
    t.same(
      upstream.seen.map(({ protocol, resumed }) => [protocol, resumed]),
      [false, true, true, true].map((resumed) => [maxVersion, resumed]),
    );
  });

await t.test(
  'a certificate that is renewed is shown from then on, and nothing from before is resumed',
  async (t) => {
    const me = ours.issue({ names: ['first'] });
    const { ca, cert, key } = files(t, { ca: ours.cert, ...me });
    const upstream = await startTlsUpstream(t, { ...ours.issue(), ca: ours.cert, requestCert: true });
    const pool = openPool(t, upstream.url, { tls: { ca, cert, key } });
    const shown = async () => {
      t.match(await send(pool, close).done, { status: 200 });
      return upstream.seen.at(-1)?.client;
    };
    t.equal(await shown(), 'first');

    const next = ours.issue({ names: ['second'] });
    writeFileSync(cert as string, next.cert);
    // Half of it: nothing that anybody could use.
    for (let i = 0; i < 3; i++) t.equal(await shown(), 'first');
    writeFileSync(key as string, next.key);
    await until(async () => ((await shown()) === 'second' ? true : undefined), 'the second certificate');
    t.equal(await shown(), 'second');
  },
);
