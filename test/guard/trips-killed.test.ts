import t from 'tap';
import { join } from 'node:path';
import { manualClock } from '../support/clock.ts';
import { startTripsIn } from '../support/trips.ts';
import { tripUntilKilled } from '../support/trips-child.ts';

await t.test('killed at any moment, a proxy finds what it had stored, and no less', async (t) => {
  const file = join(t.testdir(), 'state.json');
  for (let round = 1; round <= 6; round += 1) {
    const { before, after, done } = await tripUntilKilled(file, round * 25);
    const next = await startTripsIn(t, file, manualClock());
    const found = next.tripped('api')?.id;
    t.ok(found === after || (!done && found === before), `round ${round}: ${found} of ${before}, ${after}`);
    t.same(next.told, found === undefined ? [] : [`api ${found}`]);
    await next.close();
  }
});
