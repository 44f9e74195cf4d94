import t from 'tap';
import { logEvidence, noEvidence, observe, startAnother } from '../../src/guard/evidence.ts';
import { seeded } from '../../src/guard/simulate.ts';

/*
 * Ville's inequality, by simulation: looked at after each tick, the evidence reaches 1/α in at most a share α of the runs
 * in which treatment is exactly as bad as is tolerated. And that for any rate and any share, as they change.
 */

const α = 0.1;

/** Treatment's share of the users, and control's rate of failure, as the ticks go by. */
type Course = (tick: number) => { share: number; rate: number };

/** The share of runs with an alarm, where v1 fails so many times as often as v0. */
function alarms(course: Course, tolerated: number, times: number): number {
  const random = seeded(7);
  const runs = 400;
  const failures = (units: number, rate: number) => {
    let count = 0;
    for (let unit = 0; unit < units; unit += 1) if (random() < rate) count += 1;
    return count;
  };
  let alarmed = 0;
  for (let run = 0; run < runs; run += 1) {
    const evidence = noEvidence(tolerated, [1.5 * tolerated, 3 * tolerated, 10 * tolerated]);
    for (let tick = 0; tick < 120; tick += 1) {
      if (tick > 0 && tick % 30 === 0) startAnother(evidence);
      const { share, rate } = course(tick);
      const n1 = failures(40, share);
      const x = failures(n1, Math.min(1, rate * times));
      observe(evidence, { n0: 40 - n1, n1, m: x + failures(40 - n1, rate), x });
      if (logEvidence(evidence) < -Math.log(α)) continue;
      alarmed += 1;
      break;
    }
  }
  return alarmed / runs;
}

const courses: Record<string, Course> = {
  'at a steady rate': () => ({ share: 0.5, rate: 0.02 }),
  'at a rate that comes and goes': (tick) => ({ share: 0.3, rate: 0.04 * (1 + Math.sin(tick / 5)) }),
  'while the percentage grows': (tick) => ({ share: 0.05 + tick / 200, rate: 0.03 }),
  'while the rate grows with the percentage': (tick) => ({ share: 0.05 + tick / 200, rate: tick / 2000 }),
  'when nearly everybody fails': () => ({ share: 0.4, rate: 0.7 }),
};

for (const [name, course] of Object.entries(courses))
  for (const tolerated of [1, 1.25])
    await t.test(`${name}, a v1 at ${tolerated} times the rate is seldom found worse`, async (t) => {
      const found = alarms(course, tolerated, tolerated);
      t.ok(found <= α, `${found}`);
    });

for (const [name, course] of Object.entries(courses).slice(0, 4))
  await t.test(`${name}, one at four times the rate is`, async (t) => {
    const found = alarms(course, 1.25, 4);
    t.ok(found > 0.9, `${found}`);
  });
