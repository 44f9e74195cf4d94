import { relative } from 'node:path';
import { printable, problemsError, UserError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import { checkPems } from '../config/pem-check.ts';
import type { Config, RouteConfig } from '../config/schema.ts';
import { readFlagFile } from '../flags/flag-file.ts';
import { splitProblems } from '../flags/split.ts';
import { isBlind } from './blind-schedule.ts';

/** Reads the configuration, its flag file and its PEM files; prints every mistake, or none and a line a route; the exit code. */
export async function check({ config: named }: { config?: string }): Promise<number> {
  try {
    const loaded = await loadConfig(named);
    const { config, file } = loaded;
    const pems = await checkPems(loaded);
    if (pems.problems.length > 0) throw problemsError(pems.problems);
    const pemNotes = pems.notes.map((note) => `note: ${note}`);
    const notes = [...(await flagNotes(config)), ...guardNotes(config), ...trustNotes(config), ...pemNotes];
    const lines = [`${shortPath(file)}: fine`, ...config.routes.map(routeLine), ...notes];
    process.stdout.write(`${lines.map(printable).join('\n')}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** What is no mistake in the local flag file, and yet hardly meant. A flag file with mistakes throws a `UserError`. */
async function flagNotes({ flags, routes, rollouts }: Config): Promise<string[]> {
  if (flags.source !== 'local') return [];
  const flagged = routes.filter((route) => route.kind === 'flag').filter(({ flag }) => !rollouts.has(flag));
  if (flags.file === undefined)
    return flagged.map(
      ({ name }) => `note: ${name} always serves its default, since flags.file names no flag file`,
    );
  const { data, problems } = await readFlagFile(flags.file);
  const where = shortPath(flags.file);
  if (data === undefined) throw problemsError(problems.map((problem) => ({ ...problem, file: where })));
  const lacking = splitProblems(where, data, rollouts);
  if (lacking.length > 0) throw problemsError(lacking);
  return flagged.flatMap(({ name, flag, versions }) => {
    const found = Object.hasOwn(data.flags, flag) ? data.flags[flag] : undefined;
    if (found === undefined)
      return [`note: ${name} always serves its default, since ${where} has no flag ${flag}`];
    const values = found.variations.map(String);
    if (values.some((value) => versions.has(value))) return [];
    const known = [...versions.keys()].join(', ');
    return [
      `note: ${name} always serves its default, since no variation of ${flag} is one of its versions: ${known}`,
    ];
  });
}

/** Rollouts that are guarded and would be over before the guard could tell. */
const guardNotes = ({ routes, rollouts }: Config): string[] =>
  routes.flatMap((route) => {
    const rollout = route.kind === 'flag' ? rollouts.get(route.flag) : undefined;
    if (route.kind !== 'flag' || rollout === undefined || !isBlind(rollout, route.guard)) return [];
    return [
      `note: ${route.name}: the rollout of ${route.flag} would be over before its guard could tell even that ${rollout.to} is down; give its stages more time, below 100 %, and see \`trenchcoat plan\``,
    ];
  });

/** Upstreams whose certificate nobody looks at. */
const trustNotes = ({ upstreams }: Config): string[] =>
  Object.entries(upstreams)
    .filter(([, { tls }]) => !tls.verify)
    .map(([name]) => `note: ${name} is not verified (\`verify: false\`): whoever answers is believed`);

function routeLine(route: RouteConfig): string {
  const { methods, host = '', path } = route.match;
  const start = [
    `  ${route.name}:`,
    ...(methods === undefined ? [] : [methods.join(',')]),
    `${host}${path}`,
  ].join(' ');
  if (route.kind === 'plain') return `${start} -> ${route.upstream}`;
  const versions = [...route.versions].map(([version, upstream]) => `${version} -> ${upstream}`);
  return `${start} by ${route.flag}: ${versions.join(', ')}; default ${route.default}`;
}

const shortPath = (file: string): string => {
  const short = relative(process.cwd(), file);
  return short.startsWith('..') ? file : short;
};
