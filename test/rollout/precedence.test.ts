import t from 'tap';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { until } from '../support/client.ts';
import { minute } from '../support/clock.ts';
import { crowd, startRollouts } from '../support/rollout.ts';

const flag = (more: string) => `
flags:
  api:
    variations: [0, 1, 2]
    offVariation: 0
    fallthrough: { variation: 2 }
    salt: the-file
    targets: [{ variation: 0, values: [carol] }, { variation: 2, values: [tina] }]
    rules:
      - { variation: 1, clauses: [{ attribute: plan, op: in, values: [beta] }] }
    ${more}
`;

const started = async (
  t: Parameters<typeof startRollouts>[0] & { testdir(): string },
  text = flag('on: true'),
) => {
  const file = join(t.testdir(), 'flags.yaml');
  writeFileSync(file, text);
  return { file, ...(await startRollouts(t, { file })) };
};

await t.test('targets and rules of the flag come first, everyone else is the rollout’s', async (t) => {
  const { flags, clock, rollouts, onTreatment } = await started(t);
  const ask = async (key: string, plan = 'none') =>
    (await flags.evaluate('api', { kind: 'user', key, plan }, 9)).value;
  const testers = async () => [await ask('carol'), await ask('tina'), await ask('ben', 'beta')];
  t.same(await testers(), [0, 2, 1]);
  const some = (await onTreatment(crowd(400))).size;
  t.ok(some > 60 && some < 140, `${some} of 400 at 25 %`);
  await clock.pass(2 * minute);
  t.same(await testers(), [0, 2, 1]);
  t.equal((await onTreatment(crowd(400))).size, 400);
  await rollouts.act('api', 'rollback', '');
  t.same(await testers(), [0, 2, 1], 'a rollback is of the rollout alone');
  t.equal(await ask('anybody'), 0);
});

await t.test('a flag that is off is off', async (t) => {
  const { clock, onTreatment } = await started(t, flag('on: false'));
  await clock.pass(2 * minute);
  t.equal((await onTreatment(crowd(100))).size, 0);
});

await t.test('a flag keeps the salt it has, so that its own rules shuffle nobody', async (t) => {
  t.equal((await started(t)).view().salt, 'the-file');
  t.match((await startRollouts(t)).view().salt, /^[0-9a-f]{16}$/, 'without one it is random');
});

await t.test('a rollout of a variation that the flag does not have is one clear error', async (t) => {
  const file = join(
    t.testdir({ 'flags.yaml': flag('on: true').replace('[0, 1, 2]', '[0, 2, 4]') }),
    'flags.yaml',
  );
  await t.rejects(startRollouts(t, { file }), {
    name: 'UserError',
    message: `${file}:1:1 flags.api.variations: lack 1, which the rollout of this flag needs`,
  });
});

await t.test('an edit that takes the variation away keeps the last good flags', async (t) => {
  const { file, flags, log, onTreatment } = await started(t);
  const before = await onTreatment(crowd(100));
  writeFileSync(file, flag('on: true').replace('[0, 1, 2]', '[0, 3, 2]'));
  await until(() => !flags.state().healthy, 'noticed');
  t.same(await onTreatment(crowd(100)), before);
  t.match(log.said(/the flag file is broken/)[0]?.message, /flags\.api\.variations: lack 1/);
  writeFileSync(file, flag('on: true').replace('[carol]', '[carl]'));
  await until(() => flags.state().healthy, 'mended');
  t.same(await onTreatment(crowd(100)), before, 'the rollout is where it was');
  t.equal((await flags.evaluate('api', { kind: 'user', key: 'carl' }, 9)).value, 0);
});
