import type { FlagStanding, GuardStanding, RolloutStanding } from '../snapshot.ts';
import { agoText, counted, eitherOf, percentText, spanText, unitsText, versionName } from './words.ts';

/** How a flag stands, in sentences. `tone` is for the eye, and says nothing that the words do not. */
export type Headline = { tone: 'moving' | 'still' | 'done' | 'trouble'; title: string; more: string[] };

/** The one thing to know about a flag at `now`, and what follows from it. */
export function headlineOf(standing: FlagStanding, now: number): Headline {
  const { rollout, guards } = standing;
  const tripped = guards.find(({ trip }) => trip !== null);
  return rollout === null ? ofFlag(standing, tripped, now) : ofRollout(standing, rollout, tripped, now);
}

/** The guard that keeps everybody on control, whatever a flag says that is not rolled out here. */
export const overriding = ({ rollout, guards }: FlagStanding): GuardStanding | undefined =>
  rollout === null ? guards.find(({ trip }) => trip?.action === 'rollback') : undefined;

/** How the share of a flag is told in a word or two, for a list of flags. */
export function glanceOf(standing: FlagStanding): { tone: Headline['tone']; word: string } {
  const { rollout, scheduled, undivided, guards } = standing;
  if (overriding(standing)) return { tone: 'trouble', word: 'overridden' };
  const tripped = guards.some(({ trip }) => trip !== null);
  const alarmed = (tone: Headline['tone'], word: string) =>
    tripped ? { tone: 'trouble' as const, word: `${word}, found worse` } : { tone, word };
  if (rollout === null && undivided !== null && isMissing(undivided))
    return { tone: 'trouble', word: undivided.why };
  if (rollout === null) return alarmed('done', scheduled === null ? 'not divided' : percentText(scheduled));
  const percent = percentText(rollout.percent);
  switch (rollout.status) {
    case 'regressed':
      return { tone: 'trouble', word: `regressed at ${percent}` };
    case 'unknown':
      return { tone: 'trouble', word: 'state unknown' };
    case 'reverted':
      return alarmed('still', 'rolled back');
    case 'paused':
      return alarmed('still', `paused at ${percent}`);
    case 'not_started':
      return alarmed('still', 'not started');
    case 'in_progress':
      return alarmed('moving', percent);
    case 'completed':
      return alarmed('done', `completed, ${percent}`);
  }
}

/** Whom the flag divides. */
export const usersOf = ({ guards }: FlagStanding): string => {
  const unit = guards.find(({ unit }) => unit !== 'request')?.unit;
  return unitsText(unit ?? 'user');
};

function ofFlag(standing: FlagStanding, tripped: GuardStanding | undefined, now: number): Headline {
  const { managedBy, scheduled, undivided, versions } = standing;
  const [control = '', ...treatments] = versions;
  const override = overriding(standing);
  const whose =
    managedBy === 'launchdarkly'
      ? 'LaunchDarkly moves the percentage; start, pause and roll back there.'
      : 'The flag file sets the percentage; there is no rollout to steer here.';
  if (override !== undefined)
    return {
      tone: 'trouble',
      title: `Everyone gets ${versionName(control)}: the guard overrides the flag`,
      more: [found(override, now), 'It stays so until somebody clears the guard.'],
    };
  const title =
    undivided === null
      ? `${percentText(scheduled ?? 0)} of ${usersOf(standing)} get ${eitherOf(treatments)}`
      : everybodyText(undivided);
  if (undivided !== null && isMissing(undivided)) return { tone: 'trouble', title, more: [whose] };
  if (tripped?.trip) return { tone: 'trouble', title, more: [found(tripped, now), whose] };
  return { tone: 'done', title, more: [whose] };
}

type Undivided = NonNullable<FlagStanding['undivided']>;

const isMissing = ({ why }: Undivided): boolean => why === 'no flags yet' || why === 'no such flag';

function everybodyText({ why, version }: Undivided): string {
  const gets = `gets ${versionName(version ?? '')}`;
  switch (why) {
    case 'no flags yet':
      return `No flags yet: everyone ${gets}, the route's default`;
    case 'no such flag':
      return `No such flag: everyone ${gets}, the route's default`;
    case 'off':
      return `The flag is off: everyone ${gets}`;
    case 'one version':
      return `Everyone ${gets}, but for targets and rules`;
  }
}

function ofRollout(
  standing: FlagStanding,
  rollout: RolloutStanding,
  tripped: GuardStanding | undefined,
  now: number,
): Headline {
  const { status, percent, holdback, state } = rollout;
  const [from, to] = [versionName(rollout.from), versionName(rollout.to)];
  const users = usersOf(standing);
  const some = `${percentText(percent)} of ${users} get ${to}`;
  const guard = tripped === undefined ? [] : [found(tripped, now)];
  const alarmed = (tone: Headline['tone']) => (tripped === undefined ? tone : 'trouble');
  switch (status) {
    case 'unknown':
      return {
        tone: 'trouble',
        title: `The rollout's state is not known: everyone gets ${from}`,
        more: [state.detail],
      };
    case 'not_started':
      return {
        tone: 'still',
        title: `Not started: everyone gets ${from}`,
        more: ['The rollout waits for somebody to start it.'],
      };
    case 'in_progress':
      return { tone: alarmed('moving'), title: some, more: [stageText(rollout), ...guard] };
    case 'paused':
      return {
        tone: alarmed('still'),
        title: `Paused: ${some}`,
        more: [stageText(rollout), lastWord(rollout, now), ...guard],
      };
    case 'regressed':
      return {
        tone: 'trouble',
        title: `Stopped by the guard: ${some}`,
        more: [stageText(rollout), ...(guard.length === 0 ? [lastWord(rollout, now)] : guard)],
      };
    case 'completed':
      return {
        tone: alarmed('done'),
        title: percent >= 100 ? `Completed: everyone gets ${to}` : `Completed: ${some}`,
        more: [...(holdback > 0 ? [`${percentText(holdback)} are held back on ${from}.`] : []), ...guard],
      };
    case 'reverted':
      return {
        tone: alarmed('still'),
        title: `Rolled back: everyone gets ${from}`,
        more: [tripped === undefined ? lastWord(rollout, now) : found(tripped, now)],
      };
  }
}

/** Where the stages are: `Stage 1 of 2, 40 s left.` */
function stageText({
  status,
  stage,
  stages,
  leftMs,
  elapsedMs,
  waitsFor,
  raise,
  to,
}: RolloutStanding): string {
  const current = stage === null ? undefined : stages[stage];
  if (stage === null || current === undefined) return '';
  const place = `Stage ${stage + 1} of ${stages.length}`;
  if (raise !== null) return `${place}: ${percentText(raise.percent)} in ${spanText(raise.inMs)}.`;
  const heldIn = 2 * current.forMs - elapsedMs;
  if (waitsFor !== null && status === 'in_progress')
    return `${place}: its time is over, and it waits for requests on ${versionName(to)}: ${waitsFor.requests} of ${waitsFor.of}. Without them it pauses in ${spanText(Math.max(0, heldIn))}.`;
  if (waitsFor !== null)
    return `${place} saw ${waitsFor.requests} of the ${counted(waitsFor.of, 'request')} on ${versionName(to)} that it wants. Resume gives it its time once more.`;
  if (leftMs !== null) return `${place}, ${spanText(leftMs)} left.`;
  return `${place}, its clock stands still with ${spanText(Math.max(0, current.forMs - elapsedMs))} left.`;
}

/** What made the status what it is, and by whom: not what was noted or cleared since. */
function lastWord({ history, status }: RolloutStanding, now: number): string {
  const last = history.findLast(({ from, to }) => to === status && from !== to);
  if (last === undefined) return '';
  const { at, who, why } = last;
  return `By ${whoText(who)} ${agoText(now - Date.parse(at))}${why === '' ? '.' : `: ${why}`}`;
}

const whoText = (who: string): string =>
  who === 'person' ? 'a person' : who === 'configuration' ? 'the configuration' : `the ${who}`;

const found = ({ trip }: GuardStanding, now: number): string =>
  trip === null ? '' : `Found by the guard ${agoText(now - Date.parse(trip.at))}: ${trip.words}.`;
