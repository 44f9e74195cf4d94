import { z } from 'zod';
import { printable, printableJson } from '../config/errors.ts';
import { ask, findAdmin, understood, type AdminOptions, type AdminPort } from './admin-client.ts';
import { guard, statusText, type Guard } from './guard-text.ts';
import { theOne } from './the-one.ts';

export type GuardOptions = AdminOptions & { json?: boolean };

/** Prints the guard of one route, or all; the exit code. */
export async function status(route: string | undefined, options: GuardOptions): Promise<number> {
  const guards = await allGuards(await findAdmin(options));
  const shown = route === undefined ? guards : [chosen(guards, route)];
  if (options.json === true)
    process.stdout.write(`${printableJson(route === undefined ? { guards } : shown[0], 2)}\n`);
  else
    process.stdout.write(
      shown.length === 0
        ? 'no route is guarded\n'
        : shown.map((view) => statusText(view, clearingCommand(view, options))).join('\n'),
    );
  return 0;
}

/** Clears what a guard has found, so that its route is watched anew, and says so; the exit code. */
export async function clear(
  route: string | undefined,
  options: GuardOptions & { why?: string },
): Promise<number> {
  const admin = await findAdmin(options);
  const { route: found } = chosen(await allGuards(admin), route);
  const body = options.why === undefined ? {} : { body: { why: options.why } };
  const path = `${root}/${encodeURIComponent(found)}/clear`;
  const view = understood(guard, await ask(admin, { method: 'POST', path, ...body }), admin);
  const said =
    options.json === true ? printableJson(view, 2) : `${printable(found)}: cleared; ${goesOn(view)}`;
  process.stdout.write(`${said}\n`);
  if (!view.state.saved) process.stderr.write(`trenchcoat: not saved: ${printable(view.state.detail)}\n`);
  return 0;
}

const goesOn = ({ comparing }: Guard): string =>
  comparing
    ? 'it compares anew, and a rollout that was held goes on'
    : 'only one version is served, so there is nothing to compare; a rollout that was taken back stays so until `trenchcoat rollout start`';

const list = z.looseObject({ guards: z.array(guard) });

const root = '/api/guard';

const allGuards = async (admin: AdminPort): Promise<Guard[]> =>
  understood(list, await ask(admin, { method: 'GET', path: root }), admin).guards;

/** The guard that is meant: that of this route, or the only one. */
const chosen = (guards: readonly Guard[], route: string | undefined): Guard =>
  theOne(guards, route, {
    nameOf: (one) => one.route,
    what: 'guard',
    by: 'route',
    none: 'no route is guarded: there is none with a flag, or each has `guard: { onRegression: off }`',
  });

/** What to type for a clearing, with the admin port named as it was here. A token is not repeated. */
function clearingCommand({ route }: Guard, { config, admin, token }: AdminOptions): string {
  const words = ['trenchcoat', 'guard', 'clear'];
  if (config !== undefined) words.push('--config', config);
  if (admin !== undefined) words.push('--admin', admin);
  if (token !== undefined) words.push('--token', 'TOKEN');
  // A name may begin as an option does.
  return [...words, ...(route.startsWith('-') ? ['--', route] : [route])].map(shellWord).join(' ');
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
