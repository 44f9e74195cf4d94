import { z } from 'zod';
import { printable, printableJson, UserError } from '../config/errors.ts';
import type { PersonVerb } from '../rollout/transitions.ts';
import { ask, findAdmin, understood, type AdminOptions, type AdminPort } from './admin-client.ts';
import { changeText, rollout, statusText, troubleOf, type Rollout } from './rollout-text.ts';
import { watchRollout } from './rollout-watch.ts';
import { theOne } from './the-one.ts';

export type RolloutOptions = AdminOptions & { json?: boolean };

/** Prints one rollout, or all; the exit code. */
export async function status(flag: string | undefined, options: RolloutOptions): Promise<number> {
  const rollouts = await allRollouts(await findSteered(options));
  const shown = flag === undefined ? rollouts : [chosen(rollouts, flag)];
  if (options.json === true)
    process.stdout.write(`${printableJson(flag === undefined ? { rollouts } : shown[0], 2)}\n`);
  else
    process.stdout.write(
      shown.length === 0 ? 'no rollout is configured\n' : shown.map(statusText).join('\n'),
    );
  return 0;
}

/** Does what the verb says, and prints the rollout after it; the exit code. */
export async function steer(
  verb: PersonVerb,
  flag: string | undefined,
  options: RolloutOptions & { why?: string },
): Promise<number> {
  const admin = await findSteered(options);
  const { flag: found } = chosen(await allRollouts(admin), flag);
  const body = options.why === undefined ? {} : { body: { why: options.why } };
  const answer = await ask(admin, { method: 'POST', path: `${pathOf(found)}/${verb}`, ...body });
  const view = understood(rollout, answer, admin);
  process.stdout.write(`${options.json === true ? printableJson(view, 2) : changeText(view)}\n`);
  const trouble = troubleOf(view);
  if (trouble !== undefined) process.stderr.write(`trenchcoat: ${printable(trouble)}\n`);
  return 0;
}

/** Shows a rollout as it goes, until it is over or Ctrl-C; the exit code. */
export async function watch(flag: string | undefined, options: RolloutOptions): Promise<number> {
  const admin = await findSteered(options);
  const { flag: found } = chosen(await allRollouts(admin), flag);
  const { stdout, stderr } = process;
  const ended = new AbortController();
  const stop = () => ended.abort();
  for (const signal of signals) process.on(signal, stop);
  // Who reads a pipe may have had enough.
  stdout.on('error', stop);
  const json = options.json === true;
  try {
    await watchRollout(
      async () =>
        understood(
          rollout,
          await ask(admin, { method: 'GET', path: pathOf(found), signal: ended.signal }),
          admin,
        ),
      {
        write: (text) => void stdout.write(text),
        note: (text) => void stderr.write(text),
        // A terminal that was not told its size says 0.
        columns: stdout.isTTY && !json ? () => stdout.columns || 80 : undefined,
        json,
      },
      ended.signal,
    );
  } finally {
    for (const signal of signals) process.off(signal, stop);
    stdout.off('error', stop);
  }
  return 0;
}

const managedElsewhere =
  'flags come from LaunchDarkly, so rollouts are started, paused and stopped there: ' +
  "change the flag's rollout in LaunchDarkly";

const findSteered = (options: AdminOptions): Promise<AdminPort> =>
  findAdmin(options, ({ flags }) => (flags.source === 'launchdarkly' ? managedElsewhere : undefined));

const signals = ['SIGINT', 'SIGTERM'] as const;

const list = z.looseObject({ rollouts: z.array(rollout), managedBy: z.string().optional() });

const root = '/api/rollouts';
const pathOf = (flag: string) => `${root}/${encodeURIComponent(flag)}`;

async function allRollouts(admin: AdminPort): Promise<Rollout[]> {
  const { rollouts, managedBy } = understood(list, await ask(admin, { method: 'GET', path: root }), admin);
  if (managedBy === 'launchdarkly') throw new UserError(managedElsewhere);
  return rollouts;
}

/** The rollout that is meant: the one of this flag, or the only one. */
const chosen = (rollouts: readonly Rollout[], flag: string | undefined): Rollout =>
  theOne(rollouts, flag, {
    nameOf: (one) => one.flag,
    what: 'rollout',
    by: 'flag',
    none: 'no rollout is configured; describe one under `rollouts` and start the proxy anew',
  });
