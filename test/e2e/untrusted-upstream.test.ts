import t from 'tap';
import { bucketOf } from '../../src/flags/bucket.ts';
import { authority, signedByItself } from '../support/authority.ts';
import { request } from '../support/client.ts';
import { fine, shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { startTlsUpstream } from '../support/tls-upstream.ts';
import { startUpstream } from '../support/upstream.ts';

const ours = authority();
const theirs = authority('Another authority');

/** Somebody whom a rollout at 25 % brings to v1, and somebody whom it leaves on v0. */
const users = Array.from({ length: 100 }, (_, i) => `user-${i}`);
const onV1 = users.find((user) => bucketOf('facts.a-salt', user) >= 0.75);
const onV0 = users.find((user) => bucketOf('facts.a-salt', user) < 0.75);

const table = [
  ['a certificate that has expired', ours.issue({ expired: true }), 'tls_expired'],
  ['one of an authority that is not ours', theirs.issue(), 'tls_unknown_authority'],
  ['one that nobody else has signed', undefined, 'tls_unknown_authority'],
  ['one for another name', ours.issue({ names: ['other.example'] }), 'tls_wrong_name'],
] as const;

for (const [what, certificate, code] of table)
  await t.test(
    `${what}: 502, the reason in log and metric alone, and the guard takes it for a failure`,
    async (t) => {
      const v0 = await startUpstream(t, fine);
      const v1 = await startTlsUpstream(t, certificate ?? signedByItself());
      const tls = `{ url: "${v1.url}", tls: { ca: ca.pem } }`;
      const yaml = rolledOut(v0.url, v1.url, { guard: 'onRegression: rollback', more: 'salt: a-salt' });
      const proxy = await startProxy(t, yaml.replace(`{ url: "${v1.url}" }`, tls), { 'ca.pem': ours.cert });
      const shown = shownBy(proxy);
      await shown.watching();
      const ask = (uid = '') => request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } });

      const answer = await ask(onV1);
      t.equal(answer.status, 502);
      t.match(JSON.parse(answer.body), {
        type: 'urn:problem-type:trenchcoat:tls-failed',
        title: 'The upstream could not be trusted',
      });
      const { id } = await proxy.accessLine(JSON.parse(answer.body).requestId);
      t.match(await proxy.accessLine(id), { status: 502, error: { code, source: 'upstream' } });
      t.notMatch(answer.body + answer.rawHeaders.join(), /expired|authority|altname|127\.0\.0\.1/i);
      t.match(await shown.metrics(), `trenchcoat_upstream_failures_total{upstream="v1",code="${code}"} 1`);

      for (let i = 2; i <= 4; i += 1) t.equal((await ask(onV1)).status, 502);
      t.equal((await ask(onV0)).status, 200);
      t.equal((await ask(onV1)).status, 502);
      t.match(await ask(onV1), { status: 200, headers: { 'x-api-version': '0' } }, 'v1 is out');
      t.match((await shown.guard()).trip, { signal: 'connect', code });
    },
  );
