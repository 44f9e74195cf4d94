import t from 'tap';
import { seeded } from '../../src/guard/simulate.ts';
import { createJudge } from '../../src/guard/judge.ts';
import { createWindow } from '../../src/guard/window.ts';
import { usual } from './worlds.ts';

/*
 * Requests that are well may last for minutes, as long polls and WebSockets do, while failures are quick. Counted at their
 * end, a version that has just begun showed its failures alone: equal versions were told apart in nine runs of ten.
 */

type End = { key: string; onTreatment: boolean; failed: boolean };

function runs(random: () => number, seconds: number, lasting: number): boolean {
  const window = createWindow({ ...usual, seed: Math.floor(random() * 2 ** 32) });
  const judge = createJudge(usual);
  const ends = new Map<number, End[]>();
  let user = 0;
  for (let second = 0; second < seconds; second += 1) {
    for (let request = 0; request < 20; request += 1) {
      user += 1;
      const one = {
        key: `user-${user}`,
        onTreatment: random() < 0.25 && second > lasting,
        failed: random() < 0.02,
      };
      window.asked(one.key, one.onTreatment);
      const end = second + (one.failed ? 0 : lasting);
      ends.set(end, [...(ends.get(end) ?? []), one]);
    }
    for (const { key, onTreatment, failed } of ends.get(second) ?? [])
      window.ended(key, onTreatment, failed, undefined);
    ends.delete(second);
    judge.take(window.close(), undefined);
    if (judge.verdict() !== undefined) return true;
  }
  return false;
}

await t.test(
  'a version that has just begun is not worse because its long requests are not over',
  async (t) => {
    const random = seeded(1);
    const fired = Array.from({ length: 40 }, () => runs(random, 500, 200)).filter(Boolean).length;
    t.equal(fired, 0);
  },
);
