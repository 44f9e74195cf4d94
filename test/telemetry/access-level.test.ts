import t from 'tap';
import { request } from '../support/client.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream, unusedPort } from '../support/upstream.ts';
import { linesOf } from '../support/log-child.ts';

const upstream = await startUpstream(t, (req, res) => {
  res.statusCode = Number(req.url?.slice(1));
  res.end();
});
const dead = await unusedPort();
const yaml = (level: string) => `
upstreams: { v0: { url: "${upstream.url}" }, dead: { url: "http://127.0.0.1:${dead}" } }
routes:
  - { name: dead, match: { path: /dead }, upstream: dead }
  - { name: up, match: { methods: [GET, POST] }, upstream: v0 }
log: { level: ${level} }
`;

/** The requests, each with the level that its line has to have, and none of them after `silent`. */
const requests = [
  { id: 'fine', path: '/200', level: 'info' },
  { id: 'clients-fault', path: '/404', level: 'info' },
  { id: 'no-route', path: '/200', method: 'PUT', level: 'info' },
  { id: 'upstream-says-so', path: '/500', level: 'warn' },
  { id: 'upstream-is-gone', path: '/dead', level: 'warn' },
  { id: 'ours', path: '/200', via: '1.1 NAME', level: 'error' },
];

for (const [level, shown] of [
  ['debug', ['info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['fatal', []],
  ['silent', []],
] as const)
  await t.test(`level ${level}: the lines of whoever is to blame`, async (t) => {
    const proxy = await startProxy(t, yaml(level));
    await request(proxy.port, '/200');
    const via = upstream.seen.at(-1)?.headers.via ?? '';
    upstream.seen.length = 0;
    for (const { id, path, method = 'GET', via: loop } of requests)
      await request(proxy.port, path, {
        method,
        headers: { 'x-request-id': id, ...(loop !== undefined && { via }) },
      });
    await proxy.stop();
    const lines = linesOf(proxy.logText()).filter(({ id }) => requests.some((one) => one.id === id));
    const written = lines
      .filter(({ method }) => method !== undefined)
      .map(({ id, level }) => ({ id, level }));
    t.strictSame(
      written,
      requests
        .filter(({ level }) => (shown as readonly string[]).includes(level))
        .map(({ id, level }) => ({ id, level })),
    );
    if (level === 'silent') t.equal(proxy.logText(), '');
  });
