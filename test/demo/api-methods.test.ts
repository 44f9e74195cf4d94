import t from 'tap';
import { startRaccoonApis } from '../../src/demo/apis.ts';

const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
t.teardown(() => apis.close());

await t.test('HEAD has the headers of GET and no body', async (t) => {
  for (const path of ['/v0/fact/', '/v1/fact/', '/', '/page.css']) {
    const response = await fetch(apis.url + path, { method: 'HEAD' });
    t.equal(response.status, 200);
    t.ok(Number(response.headers.get('content-length')) > 0, `length of ${path}`);
    t.equal(await response.text(), '');
  }
});

await t.test('other methods are refused, and told which there are', async (t) => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    for (const path of ['/v0/fact/', '/v1/fact/', '/']) {
      const body = method === 'POST' ? { body: 'x'.repeat(100_000) } : {};
      const response = await fetch(apis.url + path, { method, ...body });
      t.equal(response.status, 405, `${method} ${path}`);
      t.equal(response.headers.get('allow'), 'GET, HEAD');
      t.type(Object(await response.json()).error, 'string');
    }
});

await t.test('unknown paths are 404, in JSON', async (t) => {
  for (const path of [
    '/fact/',
    '/v0/fact',
    '/v2/fact/',
    '/v0/fact/1',
    '/page',
    '/facts-v0.ts',
    '/__proto__',
    '/%2e%2e/apis.ts',
  ]) {
    const response = await fetch(apis.url + path);
    t.equal(response.status, 404, path);
    t.equal(response.headers.get('content-type'), 'application/json');
    t.type(Object(await response.json()).error, 'string');
  }
});
