import t from 'tap';
import { runHere } from '../support/command.ts';
import { aRollout, startRolloutAdmin } from '../support/rollout-admin.ts';

await t.test('status tells where each rollout stands', async (t) => {
  const waiting = aRollout({
    flag: 'other',
    status: 'paused',
    leftMs: undefined,
    waitsFor: { requests: 12, of: 100 },
    seen: {
      control: { version: '0', requests: 0, errors: 0 },
      treatment: { version: '1', requests: 0, errors: 0 },
    },
    verbs: [],
    state: { kept: 'redis', healthy: false, saved: true, detail: 'redis does not answer' },
    history: Array.from({ length: 7 }, (_, index) => ({
      at: `2026-03-01T10:00:0${index}.000Z`,
      who: 'schedule' as const,
      verb: 'extend',
      from: 'in_progress' as const,
      to: 'in_progress' as const,
      percent: 25,
      why: '',
    })),
  });
  const { url } = await startRolloutAdmin(t, [aRollout(), waiting]);
  const { code, stdout, stderr } = await runHere(t, ['rollout', 'status', '--admin', url]);
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
  t.equal(
    stdout,
    `facts: in progress, 25 % (from 0 to 1, by user)
  stage     1 of 2 (25 % for 1m), 42s left
  seen      25.0 % on 1: 300 of 1200 requests here, at this percentage
  errors    1.00 % on 0: 9 of 900
  errors    0.00 % on 1: 0 of 300
  verbs     pause, rollback, promote
  history   2026-03-01T10:00:00.000Z person start: not started -> in progress, 25 %; the raccoons are ready

other: paused, 25 % (from 0 to 1, by user)
  stage     1 of 2 (25 % for 1m), its clock stands still
  waits     for requests on 1: 12 of 100
  seen      - on 1: 0 of 0 requests here, at this percentage
  errors    - on 0: 0 of 0
  errors    - on 1: 0 of 0
  trouble   the state in redis is not well: redis does not answer
  verbs     none is open now
${[2, 3, 4, 5, 6].map((second) => `  history   2026-03-01T10:00:0${second}.000Z schedule extend: in progress -> in progress, 25 %\n`).join('')}`,
  );
  const one = await runHere(t, ['rollout', 'status', 'other', '--admin', url]);
  t.equal(one.stdout, stdout.slice(stdout.indexOf('other: ')));
});

await t.test('status --json is what the admin port says, whole', async (t) => {
  const { url, shown } = await startRolloutAdmin(t, [aRollout(), aRollout({ flag: 'other' })]);
  const json = JSON.parse(JSON.stringify(shown)) as unknown[];
  const status = async (...args: string[]) =>
    JSON.parse(
      (await runHere(t, ['rollout', 'status', ...args, '--json', '--admin', url])).stdout,
    ) as unknown;
  t.strictSame(await status(), { rollouts: json });
  t.strictSame(await status('other'), json[1]);
});

await t.test('a verb is done, and the rollout after it is told', async (t) => {
  const { url, acts } = await startRolloutAdmin(t, [aRollout()], {
    act: ({ verb }) => ({
      ok: true,
      rollout: aRollout(verb === 'rollback' ? { status: 'reverted', percent: 0, stage: undefined } : {}),
    }),
  });
  const said: string[] = [];
  for (const verb of ['start', 'pause', 'resume', 'promote', 'rollback']) {
    const { code, stdout, stderr } = await runHere(t, ['rollout', verb, '--admin', url]);
    t.strictSame({ code, stderr }, { code: 0, stderr: '' }, verb);
    said.push(stdout);
  }
  t.equal(said[0], 'facts: in progress, 25 %, stage 1 of 2\n');
  t.equal(said[4], 'facts: reverted, 0 %; person: the raccoons are ready\n');
  const args = ['rollout', 'pause', 'facts', '--why', 'a look first', '--json', '--admin', url];
  t.match(JSON.parse((await runHere(t, args)).stdout), { flag: 'facts', percent: 25 });
  t.strictSame(
    acts.map(({ flag, verb, why }) => [flag, verb, why].join(' ').trim()),
    ['start', 'pause', 'resume', 'promote', 'rollback']
      .map((verb) => `facts ${verb}`)
      .concat('facts pause a look first'),
  );
});

await t.test('a raise that is to come is told with its time', async (t) => {
  const { url } = await startRolloutAdmin(t, [aRollout({ percent: 0, raise: { percent: 25, inMs: 800 } })]);
  t.match(await runHere(t, ['rollout', 'pause', '--admin', url]), {
    code: 0,
    stdout: 'facts: in progress, 0 %, 25 % in 800ms, stage 1 of 2\n',
  });
});

await t.test('a change that is in force here alone is said on standard error', async (t) => {
  const state = { kept: 'redis', healthy: false, saved: false, detail: 'redis does not answer' } as const;
  const { url } = await startRolloutAdmin(t, [aRollout({ state })]);
  t.match(await runHere(t, ['rollout', 'rollback', '--admin', url]), {
    code: 0,
    stderr: 'trenchcoat: not saved in redis yet: redis does not answer\n',
  });
});

await t.test('a refused verb is exit 1 and the reason; a state that is away exit 2', async (t) => {
  const { url } = await startRolloutAdmin(t, [aRollout()], {
    act: ({ verb }) =>
      verb === 'start'
        ? { ok: false, why: 'refused', detail: 'it is in_progress; open are pause, rollback, promote' }
        : { ok: false, why: 'away', detail: 'redis does not answer' },
  });
  t.strictSame(await runHere(t, ['rollout', 'start', '--admin', url]), {
    code: 1,
    stdout: '',
    stderr: 'trenchcoat: it is in_progress; open are pause, rollback, promote\n',
  });
  t.strictSame(await runHere(t, ['rollout', 'pause', '--admin', url]), {
    code: 2,
    stdout: '',
    stderr: `trenchcoat: ${url} cannot do this now: redis does not answer\n`,
  });
  const why = 'x'.repeat(501);
  t.match(await runHere(t, ['rollout', 'pause', '--why', why, '--admin', url]), {
    code: 1,
    stderr: /^trenchcoat: why: 501 characters.*at most 500\n$/,
  });
});

await t.test('the flag may be left out when there is one rollout', async (t) => {
  const none = await startRolloutAdmin(t, []);
  const two = await startRolloutAdmin(t, [aRollout(), aRollout({ flag: 'other' })]);
  const said = async (url: string, ...args: string[]) => {
    const { code, stdout, stderr } = await runHere(t, ['rollout', ...args, '--admin', url]);
    return `${code} ${stdout}${stderr}`;
  };
  t.equal(await said(none.url, 'status'), '0 no rollout is configured\n');
  for (const command of ['watch', 'pause'])
    t.match(await said(none.url, command), /^1 trenchcoat: no rollout is configured; /);
  for (const command of ['watch', 'pause'])
    t.equal(
      await said(two.url, command),
      '1 trenchcoat: there are several rollouts; name one of facts, other\n',
    );
  for (const command of ['status', 'watch', 'pause'])
    t.equal(
      await said(two.url, command, 'fact'),
      '1 trenchcoat: there is no rollout of the flag "fact"; there are: facts, other; did you mean `facts`?\n',
    );
  t.strictSame([...none.acts, ...two.acts], []);
});

await t.test('nothing that the admin port says reaches the terminal raw', async (t) => {
  const evil = '\u001b]0;evil\u0007\u202e\n\u009b2J\u{e0041}';
  const [line] = aRollout().history;
  if (line === undefined) throw new Error('no history');
  const view = aRollout({
    flag: evil,
    contextKind: evil,
    from: evil,
    to: evil,
    seen: {
      control: { version: evil, requests: 1, errors: 0 },
      treatment: { version: evil, requests: 1, errors: 0 },
    },
    state: { kept: 'file', healthy: false, saved: false, detail: evil },
    history: [{ ...line, at: evil, verb: evil, why: evil }],
  });
  const { url, acts } = await startRolloutAdmin(t, [view], {
    act: () => ({ ok: false, why: 'refused', detail: evil }),
  });
  const visible = (text: string) => t.notMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  for (const args of [['status'], ['status', '--json'], ['status', 'other'], ['pause']]) {
    const { stdout, stderr } = await runHere(t, ['rollout', ...args, '--admin', url]);
    visible(stdout + stderr);
    if (args.includes('--json'))
      t.strictSame(
        JSON.parse(stdout),
        { rollouts: [JSON.parse(JSON.stringify(view))] },
        'and the JSON is whole',
      );
  }
  t.strictSame(acts, [{ flag: evil, verb: 'pause', why: '' }], 'the flag is the same on its way back');
});
