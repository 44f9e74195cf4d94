import { z } from 'zod';
import { EnvironmentError, UserError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Split } from '../flags/split.ts';
import { readRecord } from '../store/read-record.ts';
import { percentAt } from '../rollout/schedule.ts';
import { rolloutKind, statuses, type RolloutState } from '../rollout/state.ts';
import { StoreError } from '../store/store.ts';
import { tripKind } from '../guard/trip.ts';
import type { Regression } from '../telemetry/regression.ts';
import { ask, findAdmin } from './admin-client.ts';

/**
 * Where a rollout is: how it divides the flag, or why that cannot be known and control is assumed. `salted`: the salt is
 * the rollout's, so that a bucket can be told.
 */
export type Standing = { status: string; split: Split; salted: boolean; warning?: string };

/**
 * Where the rollout of a flag is now: from its state, or from the running proxy when that alone knows it. Undefined where
 * the configuration has no such rollout. `file` is the configuration's, `ownSalt` the flag file's for this flag. Nothing is
 * written.
 */
export async function standingOf(
  flag: string,
  config: Config,
  file: string,
  ownSalt: string | undefined,
): Promise<Standing | undefined> {
  const rollout = config.rollouts.get(flag);
  if (rollout === undefined) return undefined;
  const { contextKind, from, to, salt = ownSalt } = rollout;
  const nothing = { contextKind, from, to, salt: salt ?? flag, percent: 0 };
  const unknown = (why: string): Standing => ({
    status: 'unknown',
    split: nothing,
    salted: salt !== undefined,
    warning: why,
  });
  try {
    const found = config.state.kept === 'memory' ? await asked(flag, file) : await stored(flag, config.state);
    if (found !== null) return found;
    const begun =
      rollout.start === 'auto' ? 'it begins with the next start of the proxy' : 'nobody has started it';
    return unknown(`the rollout has not begun, so control is assumed: ${begun}`);
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof UserError || error instanceof EnvironmentError))
      throw error;
    return unknown(`where the rollout is cannot be known, so control is assumed: ${error.message}`);
  }
}

async function stored(
  flag: string,
  state: Exclude<Config['state'], { kept: 'memory' }>,
): Promise<Standing | null> {
  const { record, now } = await readRecord(rolloutKind, flag, state);
  return standing(record, now);
}

/** What the guard has found of a flag without a rollout, as far as the state tells: in memory nothing is kept. */
export async function tripOf(flag: string, state: Config['state']): Promise<Regression | undefined> {
  if (state.kept === 'memory') return undefined;
  try {
    return (await readRecord(tripKind, flag, state)).record?.trip ?? undefined;
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

const standing = (state: RolloutState | null, now: number): Standing | null =>
  state === null
    ? null
    : {
        status: state.status,
        salted: true,
        split: { ...splitShape.parse(state), percent: percentAt(state, now) },
      };

const splitShape = z.object({
  contextKind: z.string(),
  from: z.string(),
  to: z.string(),
  salt: z.string(),
  percent: z.number(),
});

const answer = splitShape.extend({ status: z.enum(statuses) });

async function asked(flag: string, file: string): Promise<Standing> {
  const admin = await findAdmin({ config: file });
  const json = await ask(admin, {
    method: 'GET',
    path: `/api/rollouts/${encodeURIComponent(flag)}`,
    within: 1000,
  });
  const { success, data } = answer.safeParse(json);
  if (!success) throw new UserError(`${admin.url.host} does not tell where the rollout is`);
  const { status, ...split } = data;
  return { status, split, salted: true };
}
