import { systemClock } from '../clock.ts';
import type { StateConfig } from '../config/schema.ts';
import { readRecords } from './file-store.ts';
import { redisStore } from './redis-store.ts';
import { StoreError, type Kind, type Stamped } from './store.ts';

/**
 * One record, read from beside the proxy that keeps it, and the store's time; null when there is none. Nothing is written.
 * Rejects with a StoreError.
 */
export async function readRecord<S extends Stamped>(
  kind: Kind<S>,
  flag: string,
  state: Exclude<StateConfig, { kept: 'memory' }>,
): Promise<{ record: S | null; now: number }> {
  if (state.kept === 'file')
    return { record: (await readRecords(state.file, kind)).get(flag) ?? null, now: Date.now() };
  const store = redisStore(state, systemClock);
  try {
    const record = (await store.read(kind, new Map([[flag, '']]))).get(flag) ?? null;
    if (record instanceof StoreError) throw record;
    return { record, now: store.now() };
  } finally {
    await store.close();
  }
}
