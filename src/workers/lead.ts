import { availableParallelism } from 'node:os';
import type { Seat } from '../app.ts';
import { systemClock } from '../clock.ts';
import type { LoadedConfig } from '../config/load.ts';
import { stateKinds } from '../steer.ts';
import { openStore } from '../store/open-store.ts';
import { answerFor } from '../store/remote-store.ts';
import { shareHere, type SharedHere } from '../store/shared-here.ts';
import type { Log } from '../telemetry/log.ts';
import { createTally } from '../telemetry/tally.ts';
import { openCrew } from './crew.ts';

/** How many processes are to take requests. */
export const workersOf = ({ config: { workers } }: LoadedConfig): number =>
  workers === 'auto' ? availableParallelism() : workers;

/**
 * The seat of the process that leads workers: it has the admin port, the state and a view of the whole, and takes no requests
 * itself.
 */
export function leading(loaded: LoadedConfig, log: Log): Seat {
  const tally = createTally();
  let share: SharedHere | undefined;
  let tellOfChange: (() => void) | undefined;
  return {
    openFront: () =>
      openCrew({
        wanted: workersOf(loaded),
        loaded,
        tally,
        clock: systemClock,
        log,
        onChange: (listener) => (tellOfChange = listener),
        answer: async (name, question) =>
          share === undefined
            ? { error: { kind: 'away', message: 'the state is not open' } }
            : answerFor(share.as(name), stateKinds, question),
      }),
    async openStore(state, clock, kinds) {
      const store = await openStore(state, clock, kinds);
      if (store.shared !== undefined) return store;
      share = shareHere(store);
      share.onChange(() => tellOfChange?.());
      return share.as('leader');
    },
    judging: 'for show',
    speaks: true,
    tally,
  };
}
