import { useEffect, useMemo, useState } from 'preact/hooks';
import type { History, Moment } from '../snapshot.ts';
import { read } from './ask.ts';
import type { Live } from './live.ts';

/** How far charts look back: ten minutes by seconds, or a day by minutes. */
export type Span = 'minutes' | 'day';

/** The milliseconds of a step, and how many there are. */
export const spans: Record<Span, { step: number; steps: number; name: string }> = {
  minutes: { step: 1000, steps: 600, name: '10 minutes' },
  day: { step: 60_000, steps: 1440, name: 'a day' },
};

/** What is known of the past of a flag, oldest first, and why no more, in words. */
export type Known = { moments: readonly Moment[]; trouble: string | undefined };

/** `of`: the flag and the span. `missed` counts how often there was something to ask for again. */
type Remembered = Known & { of: string; missed: number };

const nothingKnown: Omit<Remembered, 'of'> = { moments: [], trouble: undefined, missed: 0 };

/**
 * What the proxy remembers, and what it told since. It is asked again for what may have been missed: after each new
 * connection, when seconds are missing, and once a minute for a day.
 */
export function useHistory(flag: string, span: Span, { snapshot, opened }: Live): Known {
  const of = `${span} ${flag}`;
  const [known, setKnown] = useState<Remembered>({ of, ...nothingKnown });
  const latest = snapshot?.flags.find((standing) => standing.flag === flag)?.latest;
  const minute = span === 'day' ? Math.floor((snapshot?.at ?? 0) / 60_000) : 0;

  useEffect(() => {
    if (opened === 0 || flag === '') return undefined;
    let later: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const learn = (change: (before: Remembered) => Remembered) => {
      if (wanted) setKnown((before) => change(before.of === of ? before : { of, ...nothingKnown }));
    };
    void read(`api/history/${encodeURIComponent(flag)}?span=${span}`).then((answer) => {
      // What was told meanwhile is kept: the answer may be a second old.
      if (answer.ok) learn((before) => added(before, (answer.json as History).moments, span));
      else learn((before) => ({ ...before, trouble: answer.words }));
      if (!answer.ok && wanted) later = setTimeout(() => learn(missing), askAgainAfter);
    });
    return () => {
      wanted = false;
      clearTimeout(later);
    };
  }, [flag, span, of, opened, known.missed, minute]);

  useEffect(() => {
    if (latest === undefined || span === 'day') return;
    setKnown((last) => {
      const before = last.of === of ? last : { of, ...nothingKnown };
      const newest = before.moments.at(-1)?.at ?? latest.at - 1;
      // A second that is known has been told whole.
      if (newest >= latest.at) return before;
      const after = { ...added(before, [latest], span), trouble: before.trouble };
      return latest.at - newest > 1.5 * spans[span].step ? missing(after) : after;
    });
  }, [of, span, latest]);

  // What this render was told is in it already: else each second would be one without requests until the effect has run.
  const past = known.of === of ? known : nothingKnown;
  return useMemo(
    () =>
      latest === undefined || span === 'day' || (past.moments.at(-1)?.at ?? 0) >= latest.at
        ? past
        : { ...past, moments: merged(past.moments, [latest], span) },
    [past, latest, span],
  );
}

const askAgainAfter = 5000;

const missing = (before: Remembered): Remembered => ({ ...before, missed: before.missed + 1 });

const added = (before: Remembered, told: readonly Moment[], span: Span): Remembered => ({
  ...before,
  moments: merged(before.moments, told, span),
  trouble: undefined,
});

/** One moment for each step, the newer telling of it, and none that is too old. */
function merged(before: readonly Moment[], told: readonly Moment[], span: Span): Moment[] {
  const { step, steps } = spans[span];
  const byStep = new Map([...before, ...told].map((moment) => [Math.round(moment.at / step), moment]));
  const newest = Math.max(...byStep.keys());
  return [...byStep.entries()]
    .filter(([place]) => place > newest - steps)
    .toSorted(([a], [b]) => a - b)
    .map(([, moment]) => moment);
}

/** So many steps there are at least, where the proxy has not run for the whole span. */
const fewest = 60;

/** Each step of a span with what happened in it; undefined from before the proxy ran. */
export type Grid = { span: Span; at: number[]; cells: (Moment | undefined)[] };

/**
 * Up to the last whole step before `now`. A step that nothing is told of is one without requests, in which the schedule
 * stayed what it was; of what was before the proxy's start nothing is known.
 */
export function gridOf(moments: readonly Moment[], span: Span, now: number, started: number): Grid {
  const { step, steps } = spans[span];
  // The minute under way would look like one with little traffic; a second is told when it has ended.
  const whole = moments.filter(({ at }) => span === 'minutes' || at + step <= now);
  const byStep = new Map(whole.map((moment) => [Math.round(moment.at / step), moment]));
  const last = Math.max(Math.floor(now / step) - 1, ...byStep.keys());
  const known = Math.min(Math.floor(started / step), ...byStep.keys());
  const first = Math.max(last - steps + 1, Math.min(known, last - fewest + 1));
  const grid: Grid = { span, at: [], cells: [] };
  let scheduled: number | null = null;
  for (let place = first; place <= last; place += 1) {
    const told = byStep.get(place);
    scheduled = told === undefined ? scheduled : told.scheduled;
    const at = place * step;
    grid.at.push(at);
    grid.cells.push(told ?? (at + step <= started ? undefined : nothing(at, scheduled)));
  }
  return grid;
}

const nothing = (at: number, scheduled: number | null): Moment => ({
  at,
  scheduled,
  observed: null,
  versions: {},
  evidence: {},
});
