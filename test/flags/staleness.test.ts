import t from 'tap';
import { createStaleness } from '../../src/flags/staleness.ts';
import { manualClock, second } from '../support/clock.ts';

await t.test(
  'how long flags are stale is counted from when they were first seen to be, and ends at once',
  async (t) => {
    const clock = manualClock();
    const state = { initialized: false, healthy: true, detail: '' };
    const staleMs = createStaleness(() => state, clock);
    t.equal(staleMs(), 0);
    await clock.pass(3 * second);
    t.equal(staleMs(), 3 * second, 'before there are any, defaults are served');
    state.initialized = true;
    t.equal(staleMs(), 0);
    await clock.pass(second);
    state.healthy = false;
    t.equal(staleMs(), 0);
    await clock.pass(5 * second);
    t.equal(staleMs(), 5 * second);
    state.healthy = true;
    t.equal(staleMs(), 0);
  },
);
