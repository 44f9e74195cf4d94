import type { Clock } from '../clock.ts';
import type { SourceState } from './provider.ts';

/** Tells for how many milliseconds a source has not been healthy. It is as exact as it is asked often. */
export function createStaleness(state: () => SourceState, clock: Clock): () => number {
  let since: number | undefined;
  return () => {
    const { initialized, healthy } = state();
    if (initialized && healthy) since = undefined;
    else since ??= clock.now();
    return since === undefined ? 0 : clock.now() - since;
  };
}
