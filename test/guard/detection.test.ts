import t from 'tap';
import type { Random, World } from '../../src/guard/simulate.ts';
import { answering, differing, failing, half, neverFails, repeat, twoMinutes } from './worlds.ts';

/*
 * How surely and how soon the guard acts on a v1 that is worse, at 25 % for a minute and 50 % for another unless said.
 * `median` and `late` bound the seconds until it does, half of the runs and 95 in 100; `from` is when v1 goes wrong.
 */

type Row = {
  world: World | ((random: Random) => World);
  atLeast: number;
  median?: number;
  late?: number;
  from?: number;
};

const stages = twoMinutes;
const chance = (rps: number, treatment: number): World => ({
  rps,
  stages,
  rates: { control: 0.005, treatment },
});
const slow = (
  latency: Extract<World, { users: unknown }>['latency'],
  users: number | 'new' = 'new',
): World => ({
  rps: 50,
  stages,
  users,
  fails: neverFails,
  ...(latency !== undefined && { latency }),
});

const rows: Record<string, Row> = {
  'errors from 0.5 to 2 %': { world: chance(100, 0.02), atLeast: 0.97, median: 60, late: 110 },
  'errors from 0.5 to 5 %': { world: chance(100, 0.05), atLeast: 1, median: 12, late: 24 },
  'errors from 0.5 to 5 % after half an hour without fault': {
    world: { rps: 100, stages: half(2400), rates: { control: 0.005, treatment: 0.05, since: 1800 } },
    atLeast: 1,
    median: 16,
    late: 34,
    from: 1800,
  },
  'errors from 0.5 to 5 % in the midst of an epoch': {
    world: { rps: 100, stages: half(600), rates: { control: 0.005, treatment: 0.05, since: 330 } },
    atLeast: 1,
    median: 20,
    late: 40,
    from: 330,
  },
  'errors from 0.5 to 5 % among 2,000 returning users': {
    world: { rps: 50, stages, users: 2000, fails: failing(0.005, 0.05) },
    atLeast: 1,
    median: 20,
    late: 48,
  },
  'three in ten requests that fail from second 75 on, among 50 users': {
    world: { rps: 20, stages, users: 50, fails: failing(0, 0.3, 75) },
    atLeast: 1,
    median: 8,
    late: 12,
    from: 75,
  },
  'a v1 that is down, at 5 requests a second': {
    world: { rps: 5, stages, rates: { control: 0, treatment: 1 } },
    atLeast: 1,
    median: 10,
    late: 15,
  },
  'answers that take 30 % longer': { world: slow(answering(20, 1.3)), atLeast: 0.98, median: 65, late: 105 },
  'answers that take twice as long': { world: slow(answering(20, 2)), atLeast: 1, median: 12, late: 15 },
  'answers that take twice as long, to 200 users of differing speed': {
    world: (random) => slow(differing(200, 20, 2, random), 200),
    atLeast: 1,
    median: 16,
    late: 24,
  },
  '100 ms more on 2 ms': { world: slow(answering(2, 1, 100), 500), atLeast: 1, median: 10, late: 12 },
};

for (const [name, { world, atLeast, median = Infinity, late = Infinity, from = 0 }] of Object.entries(rows))
  await t.test(`the guard acts on ${name}`, async (t) => {
    const found = repeat(world, 300, 1);
    t.ok(found.fired >= atLeast * found.runs, `${found.fired} of ${found.runs}`);
    t.ok(found.median - from <= median, `half of the time within ${found.median - from} s`);
    t.ok(found.late - from <= late, `95 times in 100 within ${found.late - from} s`);
  });

await t.test('twice the errors are too little to be seen in two minutes', async (t) => {
  const { runs, fired } = repeat(chance(100, 0.01), 300, 1);
  t.ok(fired > 0 && fired < 0.2 * runs, `${fired} of ${runs}`);
});
