import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

const whole = minimal.split('\n').filter((line) => line !== '');

/** Of each key: a value of a wrong type, and what must be said of it. */
const wrong: Record<string, [string, string]> = {
  listen: ['3', 'found 3 (a number); expected HOST:PORT, such as 0.0.0.0:8080 or [::]:8080, or a map'],
  admin: ['[1]', 'found a list; expected off, or HOST:PORT, such as 0.0.0.0:8080 or [::]:8080, or a map'],
  context: ['4', 'found 4 (a number); expected a map'],
  flags: ['x', 'found "x"; expected a map'],
  rollouts: ['[]', 'found an empty list; expected a map'],
  state: ['3', 'found a number; expected memory, or file:PATH, or a redis:// or rediss:// address, or a map'],
  upstreams: ['[]', 'found an empty list; expected a map'],
  routes: ['{}', 'found an empty map; expected a list of routes'],
  trustedProxies: ['10.0.0.0/8', 'found "10.0.0.0/8"; expected a list'],
  override: ['true', 'found true (a boolean); expected a map'],
  notify: ['x', 'found "x"; expected a list of webhooks'],
  log: ['', 'found nothing; expected a map'],
  traces: ['on', 'found "on"; expected a map'],
  limits: ['[a]', 'found a list; expected a map'],
  shutdown: ['5s', 'found "5s"; expected a map'],
  workers: ['many', 'found "many"; expected a number of processes from 1 to 64, or auto'],
};

for (const [key, [value, message]] of Object.entries(wrong))
  await t.test(`${key}: ${value}`, async (t) => {
    const [problem, ...more] = await problemsOf(
      [...whole.filter((line) => !line.startsWith(key)), `${key}: ${value}`].join('\n'),
    );
    t.match(problem?.replace(/^\d+:\d+ /, ''), `${key}: ${message}`);
    t.strictSame(more, []);
  });

await t.test('every key of the schema is among them', async (t) => {
  const { config } = await load(`${minimal}override: { secret: x }`);
  t.strictSame(Object.keys(config ?? {}).toSorted(), Object.keys(wrong).toSorted());
});

await t.test('what is inside', async (t) => {
  const problems =
    await problemsOf(`${minimal}limits: { headTimeout: 15, headerBytes: 16k, headerCount: 0, connections: ten }
shutdown: { delay: -1s }
log: { level: loud, access: yes }
trustedProxies: [10.0.0.0/8, foo]
listen: 127.0.0.1:70000
context: { user: { anonymous: of } }
`);
  t.strictSame(problems, [
    '3:24 limits.headTimeout: found 15 (a number); expected a duration of 1ms to 12d, such as 250ms, 30s, 5m, 12h or 7d',
    '3:41 limits.headerBytes: found "16k"; expected a size of 1B to 1GiB, such as 512B, 16KiB or 8MiB',
    '3:59 limits.headerCount: found 0 (a number); expected a number of at least 1',
    '3:75 limits.connections: found "ten"; expected a number',
    '4:20 shutdown.delay: found "-1s"; expected a duration of 0s to 12d, such as 250ms, 30s, 5m, 12h or 7d',
    '5:15 log.level: found "loud"; expected one of trace, debug, info, warn, error, fatal, silent',
    '5:29 log.access: found "yes"; expected true or false',
    '6:30 trustedProxies[1]: found "foo"; expected an address, a CIDR such as 10.0.0.0/8, loopback, linklocal or private',
    '7:9 listen: found "127.0.0.1:70000"; expected a port up to 65535',
    '8:31 context.user.anonymous: found "of"; expected off; did you mean `off`?',
  ]);
});
