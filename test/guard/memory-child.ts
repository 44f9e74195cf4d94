import { guard } from '../../src/config/guard-schema.ts';
import { createJudge } from '../../src/guard/judge.ts';
import { createWindow } from '../../src/guard/window.ts';
import { saw } from './worlds.ts';

/** Prints the megabytes that a window and its judge hold after an hour of a million users, and after another. */

const usual = guard.parse({});
const perSecond = Math.ceil(1e6 / 3600);

function held(): number {
  // What the first finds to be garbage, the second gives back.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

const before = held();
const window = createWindow({ ...usual, seed: 1 });
const judge = createJudge(usual);
let user = 0;

function hour(): number {
  for (let second = 0; second < 3600; second += 1) {
    for (let left = perSecond; left > 0; left -= 1, user += 1)
      saw(window, `somebody-${user}`, user % 2 === 0, user % 97 === 0, user % 89);
    judge.take(window.close(), 0.5);
    judge.verdict();
    if (second % 600 !== 599) continue;
    window.newEpoch();
    judge.begin((second + 1) / 600);
  }
  return held() - before;
}

process.stdout.write(JSON.stringify({ first: hour(), second: hour() }));
