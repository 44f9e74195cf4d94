import t from 'tap';
import { request } from '../support/client.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('number, boolean and string variations name versions', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(
    t,
    `
flags: { source: local, file: flags.json }
upstreams: { a: { url: "${upstream.url}/a" }, b: { url: "${upstream.url}/b" } }
routes:
  - { name: number, match: { path: /number }, flag: number, versions: { 0: a, 1: b }, default: 0 }
  - { name: boolean, match: { path: /boolean }, flag: boolean, versions: { false: a, true: b }, default: false }
  - { name: string, match: { path: /string }, flag: string, versions: { old: a, new: b }, default: old }
  - { name: other, match: { path: /other }, flag: string, versions: { x: a, y: b }, default: y }
  - { name: object, match: { path: /object }, flag: object, versions: { x: a, y: b }, default: x }
  - { name: missing, match: { path: /missing }, flag: missing, versions: { x: a, y: b }, default: x }
`,
    {
      'flags.json': JSON.stringify({
        flagValues: { number: 1, boolean: true, string: 'new', object: { toString: 'x' } },
      }),
    },
  );
  const rows = [
    ['/number', '1', 'FALLTHROUGH', '/b/number'],
    ['/boolean', 'true', 'FALLTHROUGH', '/b/boolean'],
    ['/string', 'new', 'FALLTHROUGH', '/b/string'],
    ['/other', 'y', 'UNKNOWN_VERSION', '/b/other'],
    ['/object', 'x', 'UNKNOWN_VERSION', '/a/object'],
    ['/missing', 'x', 'FLAG_NOT_FOUND', '/a/missing'],
  ] as const;
  for (const [path, version, reason, seen] of rows) {
    const answer = await request(proxy.port, path, { headers: { 'x-request-id': path } });
    t.equal(answer.headers['x-api-version'], version, path);
    t.equal(upstream.seen.at(-1)?.url, seen, path);
    t.match(await proxy.accessLine(path), { reason, version }, path);
  }
});
