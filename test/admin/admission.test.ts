import t from 'tap';
import { request, sendRaw } from '../support/client.ts';
import { startProxy } from '../support/proxy.ts';

const routes = `
upstreams: { all: { url: "http://127.0.0.1:9" } }
routes: [{ name: all, upstream: all }]
`;

await t.test('a strange Host is 421 and a foreign Origin 403, before anything is looked up', async (t) => {
  const { adminPort } = await startProxy(
    t,
    `${routes}admin: { address: "127.0.0.1:0", hosts: [den.example] }`,
  );
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await request(adminPort, path, { headers })).status;
  for (const host of ['localhost', `localhost:${adminPort}`, '127.0.0.1:1', '[::1]:9901', 'DEN.example'])
    t.equal(await status('/metrics', { host }), 200, host);
  for (const path of ['/metrics', '/livez', '/nothing'])
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example'])
      t.equal(await status(path, { host }), 421, `${host} ${path}`);
  t.match(
    await sendRaw(adminPort, 'GET /metrics HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', false),
    / 400 /,
  );
  const host = 'localhost:9901';
  t.equal(await status('/metrics', { host, origin: 'http://localhost:9901' }), 200);
  for (const origin of ['http://evil.example', 'http://localhost:8080', 'null', 'x'])
    t.equal(await status('/metrics', { host, origin }), 403, origin);
});

await t.test('with a token, everything but the probes wants it', async (t) => {
  const { adminPort } = await startProxy(t, `${routes}admin: { address: "127.0.0.1:0", token: s3cret }`);
  const answer = (path: string, authorization?: string) =>
    request(adminPort, path, authorization === undefined ? {} : { headers: { authorization } });
  t.match(await answer('/metrics'), { status: 401, headers: { 'www-authenticate': /^Basic realm=/ } });
  t.match(await answer('/nothing'), { status: 401 });
  for (const wrong of ['Bearer', 'Bearer s3cre', 'Basic s3cret', 's3cret', 'Bearer s3cret x'])
    t.equal((await answer('/metrics', wrong)).status, 401, wrong);
  t.equal((await answer('/metrics', 'Bearer s3cret')).status, 200);
  t.equal((await answer('/livez')).status, 200);
  t.equal((await answer('/readyz')).status, 200);
});
