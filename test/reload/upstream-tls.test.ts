import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { authority } from '../support/authority.ts';
import { request, until } from '../support/client.ts';
import { startProxy } from '../support/proxy.ts';
import { startTlsUpstream } from '../support/tls-upstream.ts';

const ours = authority();
const theirs = authority('Another authority');

const yaml = (url: string, tls: string) => `
upstreams: { v0: { url: "${url}", tls: { ${tls} } } }
routes: [{ name: all, upstream: v0 }]
shutdown: { drain: 1s }
`;

await t.test('whom an upstream is taken for, and what it is shown, changes with a reload', async (t) => {
  const upstream = await startTlsUpstream(t, {
    ...ours.issue(),
    ca: ours.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const { cert, key } = ours.issue({ names: ['proxy.example'] });
  const files = { 'ours.pem': ours.cert, 'theirs.pem': theirs.cert, 'cert.pem': cert, 'key.pem': key };
  const proxy = await startProxy(t, yaml(upstream.url, 'ca: theirs.pem'), files);
  const status = async () => (await request(proxy.port, '/')).status;
  t.equal(await status(), 502);

  t.match(await proxy.reload(yaml(upstream.url, 'ca: ours.pem')), { ok: true, changed: ['upstreams'] });
  t.equal(await status(), 200);
  t.equal(upstream.seen.at(-1)?.client, undefined);

  await proxy.reload(yaml(upstream.url, 'ca: ours.pem, cert: cert.pem, key: key.pem'));
  t.equal(await status(), 200);
  t.equal(upstream.seen.at(-1)?.client, 'proxy.example');

  await t.test('files that are amiss leave the ones before in force', async (t) => {
    const refused = await proxy.reload(yaml(upstream.url, 'ca: none.pem'));
    t.match(refused, { ok: false, detail: `${join(proxy.folder, 'none.pem')}: no such file` });
    t.equal(await status(), 200);
  });

  await t.test('files that change under a running proxy are told of', async (t) => {
    const renewed = ours.issue({ names: ['renewed.example'] });
    writeFileSync(join(proxy.folder, 'cert.pem'), renewed.cert);
    await until(() => proxy.logLines('error').length > 1, 'a word of the half that does not fit');
    t.match(proxy.logLines('error').at(-1), {
      upstream: 'v0',
      msg: /are not taken.*this is the key of another/,
    });
    writeFileSync(join(proxy.folder, 'key.pem'), renewed.key);
    const line = await until(
      () => proxy.logLines('info').find(({ msg }) => msg === "an upstream's PEM files were renewed"),
      'the renewal',
    );
    t.match(line, { upstream: 'v0', file: join(proxy.folder, 'cert.pem'), expires: /^\d{4}-/ });
    rmSync(join(proxy.folder, 'key.pem'));
    t.equal(await status(), 200);
    const { body } = await request(proxy.adminPort, '/metrics');
    t.match(
      body,
      `trenchcoat_certificate_expiry_timestamp_seconds{file="${join(proxy.folder, 'cert.pem')}"} `,
    );
  });
});
