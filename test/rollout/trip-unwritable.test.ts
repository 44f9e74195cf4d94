import { randomBytes } from 'node:crypto';
import t from 'tap';
import { openRollouts } from '../../src/rollout/rollouts.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { StoreError, type Store } from '../../src/store/store.ts';
import { manualClock, minute, second } from '../support/clock.ts';
import { keptLog } from '../support/flags.ts';
import { aRegression } from '../support/regression.ts';

// What was found and could not be written was nowhere: the rollout looked well, and nothing was said.
for (const action of ['pause', 'notify'] as const)
  await t.test(`a regression to ${action} that cannot be written rejects, until it can`, async (t) => {
    const clock = manualClock();
    const memory = memoryStore(clock);
    let full = false;
    const store: Store = {
      ...memory,
      write: (...record) =>
        full
          ? Promise.reject(new StoreError('away', 'state.json cannot be written (ENOSPC)'))
          : memory.write(...record),
    };
    const stages = [{ percent: 25, for: 10 * minute }];
    const rollouts = await openRollouts({
      rollouts: new Map([
        [
          'facts',
          {
            contextKind: 'user',
            from: '0',
            to: '1',
            holdback: 0,
            stages,
            start: 'auto',
            cutStreamsAfter: undefined,
          },
        ],
      ]),
      store,
      clock,
      log: keptLog(),
      hex: (digits) => randomBytes(digits).toString('hex').slice(0, digits),
      split: () => {},
      saltOf: () => undefined,
      wanted: () => 0,
      openOn: () => () => {},
    });
    t.teardown(() => rollouts.close());
    await clock.pass(second);

    full = true;
    const regression = aRegression({ flag: 'facts', action });
    await t.rejects(rollouts.trip(regression), { message: /ENOSPC/ });
    t.equal(rollouts.tripped('facts'), undefined);
    full = false;
    await rollouts.trip(regression);
    t.match(rollouts.tripped('facts'), { action });
  });
