import type { FlagsConfig } from '../config/schema.ts';
import { openLaunchDarkly } from './launchdarkly.ts';
import { openLocal } from './local.ts';
import type { FlagLog, FlagProvider } from './provider.ts';

/**
 * Opens the configured source of flags; `traced` says that evaluations are made with a span active. Rejects with a
 * UserError for what its owner must mend first.
 */
export function openFlags(config: FlagsConfig, log: FlagLog, traced = false): Promise<FlagProvider> {
  return config.source === 'local' ? openLocal(config, log) : openLaunchDarkly(config, log, { traced });
}
