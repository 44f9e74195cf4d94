import t from 'tap';
import { regression, shownRegression } from '../../src/telemetry/regression.ts';
import { aRegression } from '../support/regression.ts';

// A state file may hold anything, and what it holds is shown on the way of requests.
await t.test('a moment that no date can be is none', (t) => {
  const latest = aRegression({ at: 8.64e15 });
  t.ok(regression.safeParse(latest).success);
  t.equal(shownRegression(latest).at, '+275760-09-13T00:00:00.000Z');
  for (const at of [8.64e15 + 1, 1e300, -1])
    t.notOk(regression.safeParse(aRegression({ at })).success, `${at}`);
  t.end();
});
