import t from 'tap';
import { startRaccoonApis } from '../../src/demo/apis.ts';

const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
t.teardown(() => apis.close());

const types = {
  '/': 'text/html; charset=utf-8',
  '/page.css': 'text/css; charset=utf-8',
  '/page.js': 'text/javascript; charset=utf-8',
  '/raccoon.svg': 'image/svg+xml; charset=utf-8',
};

for (const [path, type] of Object.entries(types))
  await t.test(`${path} is served strictly`, async (t) => {
    const response = await fetch(apis.url + path);
    t.equal(response.status, 200);
    t.equal(response.headers.get('content-type'), type);
    t.equal(response.headers.get('cache-control'), 'no-store');
    t.equal(response.headers.get('x-content-type-options'), 'nosniff');
    const policy = response.headers.get('content-security-policy') ?? '';
    t.match(policy, /default-src 'none'/);
    t.notMatch(policy, /unsafe|\*|https?:|data:/);

    const addresses = (await response.text()).match(/(https?:)?\/\/[\w.-]+/g) ?? [];
    t.same(
      addresses.filter((address) => address !== 'http://www.w3.org'),
      [],
      'no external address',
    );
  });

await t.test('the page names nothing that is not served', async (t) => {
  const html = await (await fetch(apis.url)).text();
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
  t.ok(named.length >= 3);
  for (const path of named) t.equal((await fetch(apis.url + path)).status, 200, path);
  t.notMatch(html, /<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/, 'no inline script or style');
});
