import t from 'tap';
import { span } from '../../src/cli/report.ts';
import { isOver, watchLine } from '../../src/cli/rollout-text.ts';
import { aRollout } from '../support/rollout-admin.ts';

await t.test('the live line has what there is room for', async (t) => {
  t.equal(watchLine(aRollout(), 40), '[##------]  25 %  stage 1 of 2  42s left');
  t.equal(watchLine(aRollout(), 20), '25 %  stage 1 of 2');
  t.equal(
    watchLine(aRollout(), 80),
    '[##------]  25 %  stage 1 of 2  42s left  seen 25.0 %  errors 0: 1.0 %, 1: 0.0 %',
  );
  t.equal(
    watchLine(aRollout(), 200),
    'facts  [##########------------------------------]  25 %  stage 1 of 2  42s left  seen 25.0 %  errors 0: 1.0 %, 1: 0.0 %',
  );
});

await t.test('a status that stands still is named', async (t) => {
  const paused = aRollout({ status: 'paused', leftMs: undefined });
  t.equal(watchLine(paused, 40), '[###-------]  25 %  paused  stage 1 of 2');
  t.match(watchLine(paused, 80), /\]  25 %  paused  stage 1 of 2  seen /);
});

await t.test('the line never takes more than the width, whatever the rollout is called', async (t) => {
  const names = ['facts', 'f'.repeat(256), '浣熊'.repeat(20), '🦝'.repeat(20), '\u001b[2J\u202e'];
  for (const flag of names)
    for (const percent of [0, 0.001, 33.333, 99.999, 100])
      for (let width = 10; width <= 260; width++) {
        const line = watchLine(aRollout({ flag, percent }), width);
        // Beyond ASCII, a character takes two columns at the most.
        const taken = Array.from(line, (character) => (character <= '~' ? 1 : 2)).reduce((a, b) => a + b, 0);
        if (taken > width || !line.includes(`${percent} %`) || /[\p{Cc}\p{Cf}]/u.test(line))
          t.fail(`${width} columns: ${JSON.stringify(line)}`);
      }
});

await t.test('the bar is empty at 0 % and full at 100 %', async (t) => {
  t.match(watchLine(aRollout({ percent: 0 }), 200), / \[-{40}\] {2}0 %/);
  t.match(watchLine(aRollout({ percent: 100 }), 200), / \[#{40}\] {2}100 %/);
});

await t.test('a rollout is over once its last raise has taken effect, or it is reverted', async (t) => {
  t.equal(isOver(aRollout()), false);
  t.equal(isOver(aRollout({ status: 'regressed' })), false, 'a person is awaited');
  t.equal(isOver(aRollout({ status: 'completed', percent: 50 })), false);
  t.equal(isOver(aRollout({ status: 'completed', percent: 100 })), true);
  t.equal(isOver(aRollout({ status: 'completed', percent: 95, holdback: 5 })), true);
  t.equal(isOver(aRollout({ status: 'reverted', percent: 0 })), true);
});

await t.test('a time is told in its two largest units, rounded up', async (t) => {
  const spans: [number, string][] = [
    [0, '0s'],
    [0.5, '1ms'],
    [250, '250ms'],
    [1000, '1s'],
    [59_001, '1m'],
    [90_000, '1m 30s'],
    [7_200_000, '2h'],
    [97_200_000, '1d 3h'],
    [86_461_000, '1d 1m'],
  ];
  for (const [ms, text] of spans) t.equal(span(ms), text);
});
