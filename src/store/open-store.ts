import { UserError } from '../config/errors.ts';
import type { StateConfig } from '../config/schema.ts';
import type { Clock } from '../clock.ts';
import { openFileStore } from './file-store.ts';
import { memoryStore } from './memory-store.ts';
import { StoreError, type Kind, type Store } from './store.ts';

/** Opens the configured store. Rejects with a UserError for a file that cannot be used for these kinds of records. */
export async function openStore(config: StateConfig, clock: Clock, kinds: readonly Kind[]): Promise<Store> {
  if (config.kept === 'memory') return memoryStore(clock);
  // Redis' client is a tenth of the program, and few need it.
  if (config.kept === 'redis') return (await import('./redis-store.ts')).redisStore(config, clock);
  try {
    return await openFileStore(config.file, clock, kinds);
  } catch (error) {
    throw error instanceof StoreError ? new UserError(`state: ${error.message}`) : error;
  }
}
