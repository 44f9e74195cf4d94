import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runHere } from '../support/command.ts';
import { minimal } from '../support/config.ts';
import { aGuard, aTrip, startGuardAdmin } from '../support/guard-admin.ts';

await t.test('where flags come from LaunchDarkly, guards are seen and cleared all the same', async (t) => {
  const { port, clearings } = await startGuardAdmin(t, [aGuard({ trip: aTrip() })]);
  const yaml = `${minimal}admin: 127.0.0.1:${port}\nflags: { source: launchdarkly, sdkKey: sdk-x }\n`;
  const file = join(t.testdir({ 'trenchcoat.yaml': yaml }), 'trenchcoat.yaml');
  t.match(await runHere(t, ['guard', 'status', '-c', file]), {
    code: 0,
    stdout: /^facts: v1 was found worse than v0/,
  });
  t.match(await runHere(t, ['rollout', 'status', '-c', file]), {
    code: 1,
    stderr: /rollouts are started, paused and stopped there/,
  });
  t.strictSame(await runHere(t, ['guard', 'clear', '-c', file, '--why', 'v1 is mended']), {
    code: 0,
    stdout: 'facts: cleared; it compares anew, and a rollout that was held goes on\n',
    stderr: '',
  });
  t.strictSame(clearings, [{ route: 'facts', why: 'v1 is mended' }]);
});

await t.test('--json is what the admin port says, whole', async (t) => {
  const { url, shown } = await startGuardAdmin(t, [aGuard({ trip: aTrip() }), aGuard({ route: 'other' })]);
  const json = JSON.parse(JSON.stringify(shown)) as unknown[];
  const said = async (...args: string[]) =>
    JSON.parse((await runHere(t, ['guard', ...args, '--json', '--admin', url])).stdout) as unknown;
  t.strictSame(await said('status'), { guards: json });
  t.strictSame(await said('status', 'other'), json[1]);
  t.strictSame(await said('clear', 'facts'), json[0]);
});

await t.test('a clearing that is not saved is said on standard error', async (t) => {
  const state = { saved: false, detail: 'redis does not answer' };
  const { url } = await startGuardAdmin(t, [aGuard({ state })]);
  t.strictSame(await runHere(t, ['guard', 'clear', '--admin', url]), {
    code: 0,
    stdout: 'facts: cleared; it compares anew, and a rollout that was held goes on\n',
    stderr: 'trenchcoat: not saved: redis does not answer\n',
  });
});

await t.test('a clearing that is refused is exit 1; a state that is away exit 2', async (t) => {
  const { url } = await startGuardAdmin(t, [aGuard(), aGuard({ route: 'other' })], {
    clear: ({ route }) =>
      route === 'facts'
        ? { ok: false, why: 'refused', detail: 'there is nothing to clear' }
        : { ok: false, why: 'away', detail: 'redis does not answer' },
  });
  t.strictSame(await runHere(t, ['guard', 'clear', 'facts', '--admin', url]), {
    code: 1,
    stdout: '',
    stderr: 'trenchcoat: there is nothing to clear\n',
  });
  t.strictSame(await runHere(t, ['guard', 'clear', 'other', '--admin', url]), {
    code: 2,
    stdout: '',
    stderr: `trenchcoat: ${url} cannot do this now: redis does not answer\n`,
  });
});

await t.test('the route may be left out when there is one', async (t) => {
  const none = await startGuardAdmin(t, []);
  const two = await startGuardAdmin(t, [aGuard(), aGuard({ route: 'other' })]);
  const said = async (url: string, ...args: string[]) => {
    const { code, stdout, stderr } = await runHere(t, ['guard', ...args, '--admin', url]);
    return `${code} ${stdout}${stderr}`;
  };
  t.equal(await said(none.url, 'status'), '0 no route is guarded\n');
  t.match(await said(none.url, 'clear'), /^1 trenchcoat: no route is guarded: .*onRegression: off/);
  t.equal(await said(two.url, 'clear'), '1 trenchcoat: there are several guards; name one of facts, other\n');
  for (const command of ['status', 'clear'])
    t.equal(
      await said(two.url, command, 'fact'),
      '1 trenchcoat: there is no guard of the route "fact"; there are: facts, other; did you mean `facts`?\n',
    );
  t.strictSame([...none.clearings, ...two.clearings], []);
});

await t.test('a token is asked for, and what is no admin port told apart', async (t) => {
  const { url } = await startGuardAdmin(t, [aGuard()], { config: { token: 's3cret' } });
  t.match(await runHere(t, ['guard', 'status', '--admin', url]), { code: 1, stderr: /wants a token/ });
  t.match(await runHere(t, ['guard', 'status', '--admin', url, '--token', 's3cret']), { code: 0 });
  const other = await serve(
    t,
    createServer((_req, res) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"guards":[{"route":"x"}]}'),
    ),
  );
  t.match(await runHere(t, ['guard', 'status', '--admin', other]), {
    code: 1,
    stderr: /does not answer as trenchcoat's admin port does/,
  });
  t.match(await runHere(t, ['guard', 'explode']), { code: 1, stderr: /unknown command 'explode'/ });
});

await t.test('nothing that the admin port says reaches the terminal raw', async (t) => {
  const evil = '\u001b]0;evil\u0007\u202e\n\u009b2J\u{e0041}';
  const side = { version: evil, units: 1, failed: 0 };
  const view = aGuard({
    route: evil,
    flag: evil,
    unit: evil,
    seen: { control: side, treatment: side },
    trip: { ...aTrip(), at: evil, words: evil },
    state: { saved: false, detail: evil },
    launchdarkly: { status: 'trying', detail: evil },
  });
  const { url, clearings } = await startGuardAdmin(t, [view]);
  for (const args of [
    ['status'],
    ['status', '--json'],
    ['status', 'other'],
    ['clear'],
    ['clear', '--json'],
  ]) {
    const { stdout, stderr } = await runHere(t, ['guard', ...args, '--admin', url]);
    t.notMatch((stdout + stderr).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, args.join(' '));
  }
  t.equal(clearings[0]?.route, evil, 'the route is the same on its way back');
});

async function serve(t: Test, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
