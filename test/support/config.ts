import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../src/config/errors.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';

/** What any configuration needs, on two lines. */
export const minimal =
  'upstreams: { v0: { url: http://127.0.0.1:8000 } }\nroutes: [{ name: r, upstream: v0 }]\n';

export type Outcome = { config: Config | undefined; problems: string[] };

/**
 * Loads a configuration through a real file. `problems` are what the user would read, without the file's name:
 * `3:9 listen: found 3 (a number); …`. Anything thrown beside a `UserError` gets through.
 */
export async function load(
  yaml: string | Uint8Array,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  const file = join(folder, 'trenchcoat.yaml');
  try {
    writeFileSync(file, yaml);
    return { config: (await loadConfig(file, env)).config, problems: [] };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {
      config: undefined,
      problems: error.message.split('\n').map((line) => line.replace(`${file}:`, '')),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const problemsOf = async (yaml: string | Uint8Array, env?: Readonly<Record<string, string>>) =>
  (await load(yaml, env)).problems;
