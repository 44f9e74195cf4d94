import { dirname, resolve } from 'node:path';
import { crossChecks } from './cross-checks.ts';
import { readDocument } from './document.ts';
import { pathText, problemsError, UnreadableError, type Problem } from './errors.ts';
import { schema, type Config } from './schema.ts';
import { readTextFile } from './text-file.ts';
import { validate } from './validate.ts';

/**
 * A configuration that can be acted on. `file` is absolute, and so are the paths inside. `colours` is false when the
 * environment has asked for none (`NO_COLOR`). `problem` is one with what stands at a path.
 */
export type LoadedConfig = {
  config: Config;
  file: string;
  text: string;
  colours: boolean;
  problem: (path: readonly PropertyKey[], message: string) => Problem;
};

/**
 * Reads and checks a configuration. Without `file` it is the one that `$TRENCHCOAT_CONFIG` names, else
 * `./trenchcoat.yaml`. `overrides` lie over the environment. Throws a `UserError` that lists every mistake.
 */
export async function loadConfig(
  file?: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<LoadedConfig> {
  const named = configName(file, overrides);
  const { text, problems: unreadable } = await readTextFile(named, missing);
  if (text === undefined) {
    const { message, problems } = problemsError(unreadable);
    throw new UnreadableError(message, problems);
  }
  return parseConfig(text, named, overrides);
}

/** The configuration that a text is, as if it stood in that file. */
export function parseConfig(
  text: string,
  named: string,
  overrides: Readonly<Record<string, string>> = {},
): LoadedConfig {
  const env = { ...process.env, ...overrides };
  const { document, problems } = readDocument(text, named, env);
  if (document === undefined) throw problemsError(problems);

  const { value: config, problems: invalid } = validate(schema, document);
  const found = [...problems, ...invalid];
  const told = new Set(found.map(({ path }) => path));
  found.push(...crossChecks(document).filter(({ path }) => !told.has(path)));
  if (config === undefined || found.length > 0) throw problemsError(found);
  const absolute = resolve(named);
  return {
    config: withAbsolutePaths(config, dirname(absolute)),
    file: absolute,
    text,
    colours: nonEmpty(env['NO_COLOR']) === undefined,
    problem: (path, message) => ({ file: named, ...document.at(path), path: pathText(path), message }),
  };
}

/** The file that is meant. */
export const configName = (file?: string, overrides: Readonly<Record<string, string>> = {}): string =>
  file ?? nonEmpty({ ...process.env, ...overrides }['TRENCHCOAT_CONFIG']) ?? 'trenchcoat.yaml';

const missing = 'no such file; name one with -c FILE, or write a first one with `trenchcoat init`';

const nonEmpty = (text: string | undefined) => (text === '' ? undefined : text);

const pemKeys = ['cert', 'key', 'ca', 'clientCa'];

/** Relative paths start at the folder of the file that names them. */
function withAbsolutePaths(config: Config, folder: string): Config {
  const { flags, state, listen, upstreams } = config;
  const absolute = <T extends object>(map: T): T => {
    const paths = pemKeys.flatMap((key) => {
      const value: unknown = Reflect.get(map, key);
      return typeof value === 'string' ? [[key, resolve(folder, value)]] : [];
    });
    return { ...map, ...Object.fromEntries(paths) };
  };
  return {
    ...config,
    ...(listen.tls && {
      listen: { ...listen, tls: { ...absolute(listen.tls), more: listen.tls.more.map(absolute) } },
    }),
    upstreams: Object.fromEntries(
      Object.entries(upstreams).map(([name, one]) => [name, { ...one, tls: absolute(one.tls) }]),
    ),
    ...(flags.source === 'local' &&
      flags.file !== undefined && { flags: { ...flags, file: resolve(folder, flags.file) } }),
    ...(state.kept === 'file' && { state: { ...state, file: resolve(folder, state.file) } }),
  };
}
