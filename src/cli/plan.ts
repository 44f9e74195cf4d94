import { setImmediate } from 'node:timers/promises';
import { printableJson, quoted, UserError } from '../config/errors.ts';
import type { GuardConfig } from '../config/guard-schema.ts';
import { loadConfig } from '../config/load.ts';
import type { RolloutConfig } from '../config/rollout-schema.ts';
import { timeout } from '../config/scalars.ts';
import type { Config } from '../config/schema.ts';
import { courseOf, type Served } from '../guard/forecast.ts';
import { planText } from './plan-text.ts';
import { prospectOf, type Crowd, type Plan, type Prospect } from './prospect.ts';
import { theOne } from './the-one.ts';

export type PlanOptions = {
  config?: string;
  rps: string;
  errorRate: string;
  users?: string;
  latency?: string;
  seed: string;
  json?: boolean;
};

type Traffic = Crowd & { errorRate: number; latencyMs: number | undefined };
type Candidate = { flag: string; rollout: RolloutConfig; route: string; guard: GuardConfig };

/** Microseconds that all simulations may take together, about, and each. */
const budget = 6e6;
const each = 2e6;
/** Milliseconds after which it is said how far it is, and again. */
const patience = 2000;

const times = [1.5, 2, 3, 4, 5, 10];
/** Where v0 never fails there is nothing to multiply. */
const fromNothing = [0.001, 0.005, 0.01, 0.05, 0.1];
const slower = [1.1, 1.2, 1.3, 1.5, 2];

/** Tells what the guard would catch of a rollout, or of all; the exit code. Nothing is asked of a proxy. */
export async function plan(flag: string | undefined, options: PlanOptions): Promise<number> {
  const traffic = trafficOf(options);
  const seed = numberOf('--seed', options.seed, 'a whole number', Number.isSafeInteger);
  const { config } = await loadConfig(options.config);
  const candidates = candidatesOf(config, flag);
  let told = Date.now();
  const plans: Plan[] = [];
  for (const [index, candidate] of candidates.entries())
    plans.push(
      await planOf(candidate, traffic, { seed, budget: budget / candidates.length }, (done) => {
        if (Date.now() < told + patience) return;
        told = Date.now();
        const share = Math.floor((100 * (index + done)) / candidates.length);
        process.stderr.write(`trenchcoat: simulating, ${share} % done\n`);
      }),
    );
  process.stdout.write(
    options.json === true ? `${printableJson({ seed, plans }, 2)}\n` : plans.map(planText).join('\n'),
  );
  return 0;
}

async function planOf(
  { flag, rollout, route, guard }: Candidate,
  { rps, users, errorRate, latencyMs }: Traffic,
  { seed, budget }: { seed: number; budget: number },
  tell: (done: number) => void,
): Promise<Plan> {
  const { stages, held } = courseOf(rollout, rps);
  const watched = guard.onRegression !== 'off';
  const slow = latencyMs === undefined || guard.latency === undefined ? [] : slowWorlds(errorRate, latencyMs);
  // The worst first: it is seen soonest, and leaves more of the time to the others.
  const worlds = watched ? [...failingWorlds(errorRate), ...slow].toReversed() : [];
  const found: Prospect[] = [];
  let left = budget;
  for (const [index, world] of worlds.entries()) {
    tell(index / worlds.length);
    // Signals are heard in between.
    await setImmediate();
    const share = { seed: seed + index, budget: Math.min(each, left / (worlds.length - index)) };
    const { prospect, spent } = prospectOf(world, stages, { rps, users }, guard, share);
    left -= spent;
    found.unshift(prospect);
  }
  const errors = found.slice(0, found.length - (watched ? slow.length : 0));
  return {
    flag,
    route,
    stages: rollout.stages.map(({ percent, for: forMs }) => ({ percent, forMs })),
    rps,
    errorRate,
    users: users ?? 'new',
    guard: guard.onRegression,
    errors,
    ...(latencyMs !== undefined &&
      errors.length < found.length && { latency: { ms: latencyMs, slower: found.slice(errors.length) } }),
    ...(watched && held !== undefined && { held }),
  };
}

type Imagined = { value: number; served: Served };

const failingWorlds = (control: number): Imagined[] =>
  [
    ...(control === 0 ? fromNothing : times.map((number) => number * control)).filter((rate) => rate < 1),
    1,
  ].map((value) => ({ value, served: { rates: { control, treatment: value } } }));

const slowWorlds = (rate: number, ms: number): Imagined[] =>
  slower.map((value) => ({
    value,
    served: { rates: { control: rate, treatment: rate }, latency: { control: ms, treatment: value * ms } },
  }));

/** What is meant of the rollouts, on each route that serves it. */
function candidatesOf({ flags, rollouts, routes }: Config, flag: string | undefined): Candidate[] {
  if (flags.source === 'launchdarkly')
    throw new UserError(
      'flags come from LaunchDarkly, and so does the schedule; there is no rollout of ours to plan',
    );
  const all = [...rollouts];
  const one = () =>
    theOne(all, flag, {
      nameOf: ([name]) => name,
      what: 'rollout',
      by: 'flag',
      none: 'no rollout is configured; describe one under `rollouts`',
    });
  const meant = flag === undefined && all.length > 1 ? all : [one()];
  return meant.flatMap(([name, rollout]) =>
    routes.flatMap((route) =>
      route.kind === 'flag' && route.flag === name
        ? [{ flag: name, rollout, route: route.name, guard: route.guard }]
        : [],
    ),
  );
}

function trafficOf({ rps, errorRate, users, latency }: PlanOptions): Traffic {
  return {
    rps: numberOf('--rps', rps, 'a number above 0, and a million at the most', (n) => n > 0 && n <= 1e6),
    errorRate: rateOf(errorRate),
    users:
      users === undefined
        ? undefined
        : numberOf(
            '--users',
            users,
            'a whole number from 2 to a million',
            (n) => Number.isInteger(n) && n >= 2 && n <= 1e6,
          ),
    latencyMs: latency === undefined ? undefined : millisecondsOf(latency),
  };
}

/** The number that an option says. Throws a `UserError`. */
function numberOf(option: string, text: string, what: string, fits: (number: number) => boolean): number {
  const number = /^-?\d+(\.\d+)?(e\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!fits(number)) throw new UserError(`${option}: found ${quoted(text)}; expected ${what}`);
  return number;
}

function rateOf(text: string): number {
  const [, digits, sign] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text) ?? [];
  const rate = digits === undefined ? Number.NaN : Number(digits) / (sign === '%' ? 100 : 1);
  if (!(rate < 1))
    throw new UserError(
      `--error-rate: found ${quoted(text)}; expected a share below 1, such as 0.5% or 0.005`,
    );
  return rate;
}

function millisecondsOf(text: string): number {
  const { success, data } = timeout.safeParse(text);
  if (!success) throw new UserError(`--latency: found ${quoted(text)}; expected a duration, such as 20ms`);
  return data;
}
