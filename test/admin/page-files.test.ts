import t from 'tap';
import { readFileSync } from 'node:fs';
import { packageFile } from '../../src/package.ts';
import { close, host, startRawAdmin } from '../support/raw-admin.ts';
import { statusOf } from '../support/wire.ts';

const { say, told } = await startRawAdmin(t);

// A file is served by its name in a table, so there is no folder to leave.
await t.test('no path leads to a file that is not of the dashboard', async (t) => {
  const secret = readFileSync(packageFile('package.json'), 'utf8').slice(0, 40);
  const up = [
    '..',
    '%2e%2e',
    '.%2e',
    '%2e.',
    '%252e%252e',
    '..%2f',
    '..%5c',
    '..\\',
    '....//',
    '%c0%ae%c0%ae',
    '..;',
    '%00',
  ];
  const bases = ['/dashboard/', '/dashboard/vendor/', '/', '//', '/dashboard//'];
  for (const base of bases)
    for (const step of up)
      for (const file of [
        'package.json',
        'etc/passwd',
        'src/admin/server.ts',
        'server.js',
        'main.js%00.css',
      ]) {
        const { answers: got, rest } = await say(
          `GET ${base}${`${step}/`.repeat(6)}${file} HTTP/1.1\r\n${host}${close}`,
        );
        t.ok([400, 404].includes(statusOf(got[0])), `${base}${step} ${file}: ${got[0]?.startLine ?? rest}`);
        t.notMatch(got[0]?.body, secret);
      }
  for (const path of [
    '/dashboard',
    '/dashboard/',
    '/dashboard/vendor/',
    '/index.html',
    '/dashboard/index.html',
  ].concat(
    [
      '/dashboard/main.tsx',
      '/dashboard/main.js.map',
      '/dashboard/tsconfig.json',
      '/dashboard/__proto__',
      '/constructor',
    ],
    ['/dashboard/main.js/', '/dashboard/MAIN.js', '/dashboard/main.js%20', '/dashboard/main%2ejs/..'],
  ))
    t.strictSame(await told(`GET ${path} HTTP/1.1\r\n${host}${close}`), [404], path);
});

await t.test('every answer forbids browsers what it can', async (t) => {
  const heads = [
    'GET /',
    'GET /dashboard/main.js',
    'GET /livez',
    'GET /readyz',
    'GET /metrics',
    'GET /api/rollouts',
  ].concat(['GET /nothing', 'PUT /', 'PUT /api/rollouts', 'POST /api/explain', 'HEAD /api/live', 'HEAD /']);
  for (const head of heads)
    for (const fields of ['', 'Origin: null\r\n']) {
      const { answers: got } = await say(`${head} HTTP/1.1\r\n${host}${fields}${close}`);
      const values = (name: string) => got[0]?.values(name);
      t.strictSame(values('x-content-type-options'), ['nosniff'], `${head} ${fields}`);
      t.strictSame(values('x-frame-options'), ['DENY']);
      t.strictSame(values('cross-origin-resource-policy'), ['same-origin']);
      t.strictSame(values('cross-origin-opener-policy'), ['same-origin']);
      t.strictSame(values('referrer-policy'), ['no-referrer']);
      t.match(values('cache-control'), ['no-store']);
      t.match(values('content-security-policy'), [/^default-src 'none'.*frame-ancestors 'none'/]);
      t.notMatch(values('content-security-policy')?.[0], /unsafe|\*|http:|data:/);
      t.strictSame(values('access-control-allow-origin'), []);
      t.strictSame(values('server'), []);
    }
});
