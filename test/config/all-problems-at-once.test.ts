import t from 'tap';
import { problemsOf } from '../support/config.ts';

await t.test('mistakes of every kind come together, in the order of the file', async (t) => {
  const problems = await problemsOf(
    `listen: 3
context:
  user:
    key: [{ cookie: uid, header: X-Id }]
    private: [plan]
admin: { address: \${ADMIN} }
upstreams:
  v0: { url: ftp://example.com }
  v1: { url: http://example.com }
  v1: { url: http://example.org }
routes:
  - name: facts
    match: { path: /fact }
    flag: f
    versions: { 0: v0, 1: v2 }
    default: 2
    colour: red
  - name: facts
    match: { path: /fact/old }
    upstream: \${NOWHERE}
log: { acces: true }
`,
  );
  t.strictSame(problems, [
    '1:9 listen: found 3 (a number); expected HOST:PORT, such as 0.0.0.0:8080 or [::]:8080, or a map',
    '4:11 context.user.key[0]: a source is exactly one of `cookie`, `header`, `query` and `jwt`',
    '5:15 context.user.private[0]: "plan" is not one of the attributes; allowed: none',
    '6:19 ${…} inside { } or [ ] is a map to YAML unless quoted; quote it: { address: "${ADMIN}" }',
    '8:14 upstreams.v0.url: found "ftp://example.com"; expected an http:// or https:// address without credentials, query or fragment',
    '10:3 upstreams.v1: the key "v1" was already given on line 9',
    '15:27 routes[0].versions.1: "v2" is not one of the upstreams; did you mean `v0`?; allowed: v0, v1',
    '16:14 routes[0].default: 2 is not one of the versions; allowed: 0, 1',
    '17:5 routes[0].colour: unknown key; allowed: name, match, flag, versions, default, upstream, guard',
    '18:11 routes[1].name: "facts" is already the name of routes[0]; a name is unique',
    '19:12 routes[1].match: never reached: routes[0] comes first and matches everything this matches; put this route before it',
    '20:15 routes[1].upstream: the environment variable NOWHERE is not set; set it, or give a default: ${NOWHERE:-default}',
    '21:8 log.acces: unknown key; did you mean `access`?; allowed: level, format, access',
  ]);
});
