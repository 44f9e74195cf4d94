import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { run, runHere } from '../support/command.ts';
import { minimal } from '../support/config.ts';
import { aGuard, aTrip, startGuardAdmin } from '../support/guard-admin.ts';

/** The words that a shell makes of a command. */
const wordsOf = (command: string): string[] =>
  spawnSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
    .stdout.split('\n')
    .slice(0, -1);

await t.test('status tells what is watched, and what speaks against v1', async (t) => {
  const requests = aGuard({
    route: 'site',
    onRegression: 'notify',
    unit: 'request',
    epoch: { number: 3, leftMs: 500 },
    seen: {
      control: { version: 'old', units: 0, failed: 0 },
      treatment: { version: 'new', units: 0, failed: 0 },
    },
    signals: [
      { signal: 'errors', evidence: Math.log(2e15), needed: Math.log(2961), warned: true },
      { signal: 'split', evidence: 0, needed: Math.log(1000), warned: false },
    ],
  });
  const { url } = await startGuardAdmin(t, [aGuard(), requests]);
  const { code, stdout, stderr } = await runHere(t, ['guard', 'status', '--admin', url]);
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
  t.equal(
    stdout,
    `facts: v1 is watched against v0, by user (flag raccoon_facts_api)
  if worse  everybody is taken back to v0
  epoch     1, 8m 12s left
  seen      v1 failed 3 of 412 users (0.7 %)
  seen      v0 failed 2 of 430 users (0.5 %)
  evidence  errors 1 : 1.6, wanted 1 : 200
  evidence  latency none, wanted 1 : 200
  evidence  split none, wanted 1 : 1,000 to warn

site: new is watched against old, by request (flag raccoon_facts_api)
  if worse  it is said, and nothing done
  epoch     3, 500ms left
  seen      new failed 0 of 0 requests (-)
  seen      old failed 0 of 0 requests (-)
  evidence  errors over 1 : 1,000,000, wanted 1 : 3,000; has warned
  evidence  split none, wanted 1 : 1,000 to warn
`,
  );
  const one = await runHere(t, ['guard', 'status', 'site', '--admin', url]);
  t.equal(one.stdout, stdout.slice(stdout.indexOf('site: ')));
});

await t.test('once it has tripped, status tells when, why, what was done, and how to clear it', async (t) => {
  const tripped = aGuard({
    trip: aTrip(),
    launchdarkly: { status: 'trying', detail: 'LaunchDarkly answered 503' },
  });
  const { url } = await startGuardAdmin(t, [tripped]);
  const { stdout } = await run(t, ['guard', 'status', '--admin', url]);
  t.equal(
    stdout,
    `facts: v1 was found worse than v0 (flag raccoon_facts_api)
  found     v1 failed 38 of 412 users (9.2 %), v0 2 of 430 (0.5 %): evidence 1 : 41,000
  since     2026-03-01T10:00:00.000Z
  done      everybody is taken back to v0
  saved     yes: kept in state.json
  flag      not off in LaunchDarkly yet: LaunchDarkly answered 503
  next      trenchcoat rollout start raccoon_facts_api, once it is repaired
  clear     trenchcoat guard clear --admin ${url} facts
  if worse  everybody is taken back to v0
  epoch     1, 8m 12s left
  seen      v1 failed 3 of 412 users (0.7 %)
  seen      v0 failed 2 of 430 users (0.5 %)
  evidence  errors 1 : 1.6, wanted 1 : 200
  evidence  latency none, wanted 1 : 200
  evidence  split none, wanted 1 : 1,000 to warn
`,
  );
});

await t.test('each action, and each end in LaunchDarkly, has its words', async (t) => {
  const { url, shown } = await startGuardAdmin(t, []);
  const said = async () => (await runHere(t, ['guard', 'status', '--admin', url])).stdout;
  shown[0] = aGuard({
    onRegression: 'pause',
    trip: aTrip({ action: 'pause' }),
    state: { saved: false, detail: 'redis does not answer' },
    launchdarkly: { status: 'left alone', detail: 'its off variation is 1' },
  });
  const paused = await said();
  t.match(paused, '  done      the rollout is held at 50 %\n');
  t.match(paused, '  next      trenchcoat rollout rollback raccoon_facts_api, or resume, or promote\n');
  t.match(paused, '  saved     no: redis does not answer\n');
  t.match(paused, '  flag      left alone in LaunchDarkly: its off variation is 1\n');
  t.match(paused, '  if worse  the rollout stays at its percentage\n');
  shown[0] = aGuard({
    trip: aTrip({ action: 'pause', percent: null, stage: null }),
    launchdarkly: { status: 'off', detail: 'since 10:00' },
  });
  t.match(await said(), /done {6}the rollout is held\n[^]*flag {6}off in LaunchDarkly: since 10:00\n/);
  shown[0] = aGuard({ trip: aTrip({ action: 'notify' }) });
  t.match(await said(), '  done      nothing is done about it\n');
  shown[0] = aGuard({ comparing: false });
  const alone = await said();
  t.match(alone, /^facts: v1 is not compared with v0 now: only one of them is served/);
  t.notMatch(alone, /evidence|epoch/);
});

await t.test('the command that clears can be typed as it stands', async (t) => {
  const { url, shown } = await startGuardAdmin(t, [], { config: { token: 's3cret' } });
  const address = url.slice('http://'.length);
  const folder = t.testdir({
    "it's $HOME.yaml": `${minimal}admin: { address: "${address}", token: s3cret }\n`,
  });
  const file = join(folder, "it's $HOME.yaml");
  const asked: [string, string[]][] = [
    ['facts', ['-c', file]],
    ['--json', ['-c', file]],
    ['$(exit) `it` ünd', ['-c', file]],
    ['facts', ['--admin', url, '--token', 's3cret']],
  ];
  for (const [route, options] of asked) {
    shown[0] = aGuard({ route, trip: aTrip() });
    const { stdout } = await runHere(t, ['guard', 'status', ...options]);
    const [, command = ''] = /^ {2}clear {5}(.*)$/m.exec(stdout) ?? [];
    t.strictSame(wordsOf(command), [
      'trenchcoat',
      'guard',
      'clear',
      ...options.map((word) => (word === '-c' ? '--config' : word === 's3cret' ? 'TOKEN' : word)),
      ...(route.startsWith('-') ? ['--', route] : [route]),
    ]);
    if (options.includes('-c'))
      t.match(await runHere(t, wordsOf(command).slice(1)), { code: 0, stdout: `${route}: cleared` });
  }
});
