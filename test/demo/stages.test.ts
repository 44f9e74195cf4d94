import t from 'tap';
import { tellStages } from '../../src/demo/stages.ts';
import { manualClock, minute, second } from '../support/clock.ts';

await t.test('a line tells each stage, once everybody has asked since', async (t) => {
  const clock = manualClock();
  const visitors = [
    { id: 'a', version: '1', forward: 0, back: 0 },
    { id: 'b', version: '0', forward: 0, back: 0 },
  ];
  let asked = 0;
  let standing = { status: 'in_progress', percent: 50 };
  const lines: string[] = [];
  const stop = tellStages({
    crowd: { visitors, asked: () => asked },
    standing: () => standing,
    tell: (line) => lines.push(line.trim().replaceAll(/ {2,}/g, ', ')),
    clock,
  });
  await clock.pass(second);
  t.same(lines, [], 'not before');
  asked = 3;
  await clock.pass(minute - second);
  t.same(lines, ['0:00, 50 %, 1 of 2 visitors on v1, 0 moved forward, 0 moved back']);

  standing = { status: 'completed', percent: 100 };
  await clock.pass(second);
  visitors[1] = { id: 'b', version: '1', forward: 1, back: 0 };
  asked = 6;
  await clock.pass(second);
  t.same(lines.slice(1), ['1:00, 100 %, 2 of 2 visitors on v1, 1 moved forward, 0 moved back, completed']);

  stop();
  standing = { status: 'reverted', percent: 0 };
  asked = 9;
  await clock.pass(minute);
  t.equal(lines.length, 2, 'a stop is the end');
});
