import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bucketOf } from '../../src/flags/bucket.ts';
import { openFlags } from '../../src/flags/source.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, percentFlag, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

const flag = percentFlag('api', 25);
const contexts = Array.from({ length: 10_000 }, (_, index) => user(`user-${index}`));

await t.test('10,000 users at 25 %: the share, bucket.ts, a restart and LaunchDarkly agree', async (t) => {
  const file = join(t.testdir(), 'flags.json');
  writeFileSync(file, JSON.stringify({ flags: { api: flag } }));
  const answers = async () => {
    const provider = await openFlags({ source: 'local', file }, keptLog());
    const evaluations = await Promise.all(
      contexts.map(async (context) => provider.evaluate('api', context, 'default')),
    );
    await provider.close(1000);
    return evaluations;
  };
  const first = await answers();
  const share = first.filter(({ value }) => value === 1).length / 100;
  t.ok(Math.abs(share - 25) <= 1.3, `a share of ${share} %`);
  t.same(
    first.map(({ value }) => value),
    contexts.map(({ key }) => (bucketOf('api.a-salt', key) < 0.75 ? 0 : 1)),
    'each user as bucket.ts has it',
  );
  t.same(await answers(), first, 'the same after a restart');

  const stub = await launchDarklyStub({ flags: { api: flag } });
  t.teardown(stub.close);
  const provider = await opened(t, launchDarklyAt(stub.url));
  t.same(
    await Promise.all(contexts.map(async (context) => provider.evaluate('api', context, 'default'))),
    first,
    'the same from LaunchDarkly',
  );
});

await t.test('growing a rollout moves users one way only', async (t) => {
  const stub = await launchDarklyStub({
    flags: { api: percentFlag('api', 0, 1), done: fixedFlag('done', 0) },
  });
  t.teardown(stub.close);
  const provider = await opened(t, launchDarklyAt(stub.url));
  let before = new Set<string>();
  for (const [step, percent] of [0, 1, 10, 50, 99, 100].entries()) {
    stub.put({
      flags: { api: percentFlag('api', percent, step + 2), done: fixedFlag('done', percent, step + 2) },
    });
    while ((await provider.evaluate('done', user('1'), -1)).value !== percent)
      await new Promise(setImmediate);
    const moved = new Set<string>();
    for (const context of contexts.slice(0, 2000))
      if ((await provider.evaluate('api', context, -1)).value === 1) moved.add(context.key);
    t.ok(
      [...before].every((key) => moved.has(key)),
      `nobody is back at ${percent} %`,
    );
    before = moved;
  }
  t.equal(before.size, 2000, 'everybody in the end');
});
