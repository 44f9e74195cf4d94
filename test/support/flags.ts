import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { FlagsConfig } from '../../src/config/schema.ts';
import type { FlagLog, FlagProvider } from '../../src/flags/provider.ts';
import { openLaunchDarkly } from '../../src/flags/launchdarkly.ts';
import { openFlags } from '../../src/flags/source.ts';

export type Line = { level: keyof FlagLog; fields: Record<string, unknown>; message: string };

/** A log that keeps its lines. */
export function keptLog(): FlagLog & { lines: Line[]; said: (pattern: RegExp) => Line[] } {
  const lines: Line[] = [];
  const keep = (level: keyof FlagLog) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, fields, message });
  };
  return {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    lines,
    said: (pattern) => lines.filter(({ message }) => pattern.test(message)),
  };
}

type LaunchDarklyConfig = Extract<FlagsConfig, { source: 'launchdarkly' }>;

/** A configuration that goes to this address for everything, as through a Relay Proxy. */
export function launchDarklyAt(relay: URL, more: Partial<LaunchDarklyConfig> = {}): LaunchDarklyConfig {
  return {
    source: 'launchdarkly',
    sdkKey: 'sdk-under-test',
    relay,
    initTimeout: 5000,
    events: false,
    metricSampling: 1,
    daemon: false,
    tracingHook: false,
    ...more,
  };
}

/** Opens a source that is closed with the test. */
export async function opened(t: Test, config: FlagsConfig, log: FlagLog = keptLog()): Promise<FlagProvider> {
  const provider = await openFlags(config, log);
  t.teardown(() => provider.close(1000));
  return provider;
}

/** The same, with a store that is looked at often and soon given up. */
export async function openedQuick(
  t: Test,
  config: LaunchDarklyConfig,
  log: FlagLog = keptLog(),
): Promise<FlagProvider> {
  const provider = await openLaunchDarkly(config, log, { pace: { deadline: 500, pause: 100 } });
  t.teardown(() => provider.close(1000));
  return provider;
}

/** Opens a local source on a file of its own with this text. */
export async function openedFile(t: Test, text: string, log: FlagLog = keptLog()) {
  const file = join(t.testdir(), 'flags.yaml');
  writeFileSync(file, text);
  return { file, provider: await opened(t, { source: 'local', file }, log) };
}

export const user = (key: string, attributes: Record<string, unknown> = {}) => ({
  kind: 'user',
  key,
  ...attributes,
});

/** A flag that gives 1 to this percentage of users, and 0 to the others. */
export function percentFlag(key: string, percent: number, version = 1) {
  return {
    key,
    version,
    salt: 'a-salt',
    on: true,
    variations: [0, 1],
    offVariation: 0,
    fallthrough: {
      rollout: {
        contextKind: 'user',
        variations: [
          { variation: 0, weight: Math.round((100 - percent) * 1000) },
          { variation: 1, weight: Math.round(percent * 1000) },
        ],
      },
    },
  };
}

/** A flag that gives one value to everybody. */
export function fixedFlag(key: string, value: unknown, version = 1) {
  return { key, version, salt: key, on: true, variations: [value], fallthrough: { variation: 0 } };
}
