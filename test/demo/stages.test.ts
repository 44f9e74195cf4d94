import t from 'tap';
import { breakAtHalf } from '../../src/demo/break-v1.ts';
import { tellStages, type Standing } from '../../src/demo/stages.ts';
import { manualClock, minute, second } from '../support/clock.ts';

await t.test('a line tells each stage, once everybody has asked since', async (t) => {
  const clock = manualClock();
  const visitors = [
    { id: 'a', version: '1', forward: 0, back: 0, askedAt: 0 },
    { id: 'b', version: '0', forward: 0, back: 0, askedAt: 0 },
  ];
  const everybodyAsks = () => {
    for (const visitor of visitors) visitor.askedAt = clock.now();
  };
  let standing = { status: 'in_progress', percent: 50 };
  const lines: string[] = [];
  const stop = tellStages({
    crowd: { visitors },
    standing: () => standing,
    tell: (line) => lines.push(line.trim().replaceAll(/ {2,}/g, ', ')),
    clock,
  });
  await clock.pass(second);
  t.same(lines, [], 'not before');
  Object.assign(visitors[0] ?? {}, { askedAt: clock.now() });
  await clock.pass(second);
  t.same(lines, [], 'nor when some have, however often');
  everybodyAsks();
  await clock.pass(minute - 2 * second);
  t.same(lines, ['0:00, 50 %, 1 of 2 visitors on v1, 0 moved forward, 0 moved back']);

  standing = { status: 'completed', percent: 100 };
  await clock.pass(second);
  Object.assign(visitors[1] ?? {}, { version: '1', forward: 1 });
  everybodyAsks();
  await clock.pass(second);
  t.same(lines.slice(1), ['1:00, 100 %, 2 of 2 visitors on v1, 1 moved forward, 0 moved back, completed']);

  stop();
  standing = { status: 'reverted', percent: 0 };
  everybodyAsks();
  await clock.pass(minute);
  t.equal(lines.length, 2, 'a stop is the end');
});

await t.test(
  'v1 breaks after the line of half the visitors, and what the guard finds is told at once',
  async (t) => {
    const clock = manualClock();
    let version = '1';
    let askedAt = 0;
    let standing: Standing = { status: 'in_progress', percent: 25 };
    const lines: string[] = [];
    const tell = (line: string) => void lines.push(line.trim().replaceAll(/ {2,}/g, ', '));
    const stop = tellStages({
      crowd: {
        get visitors() {
          return [{ id: 'a', version, forward: 0, back: version === '0' ? 1 : 0, askedAt }];
        },
      },
      standing: () => standing,
      tell,
      told: breakAtHalf(() => lines.push('(it breaks)'), tell),
      clock,
    });
    const everybodyAsks = async () => {
      await clock.pass(second);
      askedAt = clock.now();
      await clock.pass(second);
    };
    await everybodyAsks();
    t.same(lines.splice(0), ['0:00, 25 %, 1 of 1 visitors on v1, 0 moved forward, 0 moved back'], 'not yet');

    standing = { status: 'in_progress', percent: 50 };
    await clock.pass(second);
    t.same(lines, [], 'not before it is told');
    await everybodyAsks();
    t.same(lines.splice(0), [
      '0:02, 50 %, 1 of 1 visitors on v1, 0 moved forward, 0 moved back',
      '(it breaks)',
      'v1 begins to fail: three in ten of its answers are 500 now',
    ]);

    standing = { status: 'reverted', percent: 0, regression: { words: 'v1 failed 38 of 412 users' } };
    await clock.pass(second);
    t.same(lines.splice(0), ['0:05, v1 failed 38 of 412 users']);
    version = '0';
    await everybodyAsks();
    t.same(lines.splice(0), [
      '0:05, 0 %, 0 of 1 visitors on v1, 0 moved forward, 1 moved back, reverted: everybody is on v0',
    ]);

    standing = { status: 'in_progress', percent: 50 };
    version = '1';
    await everybodyAsks();
    t.equal(lines.splice(0).length, 1, 'begun anew, it breaks no second time');
    standing = { status: 'reverted', percent: 0, regression: { words: 'v1 failed 38 of 412 users' } };
    await clock.pass(second);
    t.match(lines, [/v1 failed 38 of 412 users/], 'and the same is found anew');
    stop();
  },
);
