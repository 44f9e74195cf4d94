import type { RolloutConfig } from '../config/rollout-schema.ts';
import { remembered, type RolloutState, type Stage } from './state.ts';
import { apply, raised, recorded, type Circumstances } from './transitions.ts';

/** A first state: `start: auto` begins at once. `salt` is used where the configuration has none. */
export function begin(
  flag: string,
  config: RolloutConfig,
  salt: string,
  circumstances: Circumstances,
): RolloutState {
  const fresh: RolloutState = {
    flag,
    revision: 0,
    nonce: circumstances.nonce,
    createdAt: Math.round(circumstances.now),
    salt: config.salt ?? salt,
    ...settings(config),
    status: 'not_started',
    stage: 0,
    stageRevision: 0,
    percent: 0,
    previous: 0,
    effectiveAt: 0,
    elapsed: 0,
    since: null,
    extended: false,
    regression: null,
    watchedFrom: 0,
    history: [],
  };
  const started = config.start === 'auto' ? apply(fresh, 'start', circumstances) : undefined;
  return started ?? recorded(fresh, 'create', {}, circumstances);
}

/** What the configuration says of a rollout, as its state holds it. */
type Settings = Pick<RolloutState, 'contextKind' | 'from' | 'to' | 'holdback' | 'stages'>;
const settings = ({ contextKind, from, to, holdback, stages }: Settings): Settings => ({
  contextKind,
  from,
  to,
  holdback,
  stages: stages.map(({ percent, for: time }) => ({ percent, for: time })),
});

/** A mistake: the state is of another rollout, and somebody may be on its treatment. */
export type Contradiction = { contradiction: string };

/**
 * Brings a known state in line with the configuration; undefined when it is already. New stages take over at the percentage already
 * reached, never lower. What would move users about is done only where nobody is on treatment, or everybody.
 */
export function configure(
  state: RolloutState,
  config: RolloutConfig,
  salt: string,
  circumstances: Circumstances,
): RolloutState | Contradiction | undefined {
  const key = (['from', 'to', 'contextKind'] as const).find((name) => state[name] !== config[name]);
  // Where everybody is on treatment, the next rollout begins there.
  const next = state.status === 'completed' && config.from === state.to;
  if (key !== undefined && (state.percent === 0 || next)) return anew(state, config, salt, circumstances);
  // Whom to divide by does not matter where nobody is divided.
  const free = key === 'contextKind' && state.percent === 100;
  const now = `the rollout is ${state.status} at ${state.percent} %`;
  if (key !== undefined && !free)
    return {
      contradiction: `${key}: found ${config[key]}, but it began with ${state[key]}, and ${now}; with the configuration as it was, roll it back or promote it first`,
    };
  const split = state.percent > 0 && state.percent < 100;
  if (config.salt !== undefined && config.salt !== state.salt && split)
    return {
      contradiction: `salt: not the one it began with, and ${now}, so users would change version at random; remove it, or roll back first, with the configuration as it was`,
    };
  const fresh = config.salt ?? state.salt;
  if (fresh === state.salt && JSON.stringify(settings(state)) === JSON.stringify(settings(config)))
    return undefined;
  const part = { ...settings(config), salt: fresh, ...goesOn(state, config, circumstances) };
  return recorded(state, 'edit', part, circumstances);
}

/** Another rollout of the same flag, whose history goes on. */
function anew(...[state, config, salt, circumstances]: Parameters<typeof configure>): RolloutState {
  const next = begin(state.flag, config, salt, circumstances);
  const revision = state.revision + 1;
  return {
    ...next,
    revision,
    stageRevision: revision,
    history: [...state.history, ...next.history].slice(-remembered),
  };
}

/** Where in the new stages a rollout goes on. */
function goesOn(
  state: RolloutState,
  { stages, holdback }: RolloutConfig,
  { now, lead }: Circumstances,
): Partial<RolloutState> {
  const at = Math.round(now + lead);
  if (state.status === 'completed')
    return 100 - holdback > state.percent ? raised(state, 100 - holdback, at) : {};
  if (state.percent === 0) return { stage: 0 };
  const stage = stages.findLastIndex(({ percent }) => percent <= state.percent);
  if (stage >= 0) return { stage, extended: false };
  // What was reached is less than the new first stage: the new schedule begins at its beginning.
  const first = { stage: 0, stageRevision: state.revision + 1, elapsed: 0, extended: false };
  if (state.since === null) return first;
  return { ...first, since: at, ...raised(state, (stages[0] as Stage).percent, at) };
}
