import type { GuardConfig } from '../config/guard-schema.ts';
import { logEvidence, logMean, noEvidence, observe, part, startAnother, type Evidence } from './evidence.ts';
import { thresholds, type Tick } from './tick.ts';

/** How many times as often as tolerated v1 may fail, where it is worse. */
const failing = [1.5, 2, 3, 5, 10, 30, 100];
/** How many times as often v1's answers may be slow, beyond the slowness that is tolerated. */
const slower = [1.1, 1.25, 1.5, 2, 3, 5, 10];
/** How many times the scheduled odds of being on v1 may be, where users do not divide as they should. */
const skewed = [0.2, 0.5, 0.67, 0.8, 1.25, 1.5, 2, 5];

/** Ticks after which another test starts. */
const minute = 60;

export type Signal = 'errors' | 'latency' | 'split';

/** How one test stands. Natural logarithms. */
export type Standing = { signal: Signal; evidence: number; act: number; warn: number };

/** Units of one side in this epoch, and first events among them. */
export type Count = { units: number; events: number };

export type Verdict = {
  signal: 'errors' | 'latency';
  evidence: number;
  needed: number;
  control: Count;
  treatment: Count;
  /** The threshold that speaks loudest, for `latency`. */
  threshold: number;
};

/** Weighs what ticks bring, epoch by epoch. Pure: no clock, no chance. */
export type Judge = {
  /** Begins the j-th epoch, with evidence of its own. */
  begin(j: number): void;
  /** Takes the next tick; `share` is treatment's scheduled share of it, 0 to 1, undefined where there was none, or it changed. */
  take(tick: Tick, share: number | undefined): void;
  /** Whether treatment is worse, as the whole of what was taken says. */
  verdict(): Verdict | undefined;
  standings(): Standing[];
  /** Units in this epoch, and those that failed. */
  counts(): { control: Count; treatment: Count };
};

type Parameters = Pick<GuardConfig, 'errors' | 'falseAlarms'>;
type Sums = { control: number; treatment: number };
/** Units at risk, second by second, and first failures. */
type Minute = { atRisk: Sums; failed: Sums };

const nobody = (): Sums => ({ control: 0, treatment: 0 });
const emptyMinute = (): Minute => ({ atRisk: nobody(), failed: nobody() });

export function createJudge({ errors, falseAlarms }: Parameters): Judge {
  let epoch = 1;
  let ticks = 0;
  let failures: Evidence;
  let slowness: Evidence[];
  let split: Evidence;
  let units: Sums;
  let failed: Sums;
  let slow: Sums[];
  /** The minute under way, and the one before it. */
  let minutes: [Minute, Minute];
  /** How far each has come; found anew when there was something to weigh. */
  let logs: { errors: number; latency: number };

  function begin(j: number): void {
    epoch = j;
    ticks = 0;
    failures = noEvidence(
      errors.tolerated,
      failing.map((ratio) => ratio * errors.tolerated),
    );
    slowness = thresholds.map(() => noEvidence(1, slower));
    split = noEvidence(1, skewed);
    units = nobody();
    failed = nobody();
    slow = thresholds.map(nobody);
    minutes = [emptyMinute(), emptyMinute()];
    logs = { errors: logEvidence(failures), latency: latencyEvidence() };
  }

  const latencyEvidence = (): number => logMean(slowness.map(logEvidence));
  begin(1);

  /** Users come again in each epoch, so their chances add up: the j-th may be wrong with its part of the whole. */
  const needed = (chance: number): number => -Math.log(chance * part(epoch));
  const half = (chance: number): number => needed(chance / 2);

  const countOf = (side: 'control' | 'treatment', events: Sums): Count => ({
    units: units[side],
    events: events[side],
  });

  /** The threshold whose evidence is greatest. */
  function loudest(): number {
    const each = slowness.map(logEvidence);
    return each.indexOf(Math.max(...each));
  }

  /**
   * Whether the difference is one to care about, whatever statistics say of it: over the epoch, or over the last minute or two,
   * so that hours without fault do not water down what comes after them.
   */
  function matters(): boolean {
    const [now, before] = minutes;
    const atRisk = sum(now.atRisk, before.atRisk);
    const lately = sum(now.failed, before.failed);
    return (
      failed.treatment >= errors.minFailures &&
      Math.max(difference(failed, units), difference(lately, atRisk)) >= errors.minDifference / 100
    );
  }

  return {
    begin,
    take(tick, share) {
      const starts = ticks > 0 && ticks % minute === 0;
      if (starts) {
        for (const evidence of [failures, ...slowness, split]) startAnother(evidence);
        minutes = [emptyMinute(), minutes[0]];
      }
      ticks += 1;
      add(units, tick.units);
      add(minutes[0].atRisk, { control: tick.errors.n0, treatment: tick.errors.n1 });
      if (tick.errors.m > 0 || starts) {
        observe(failures, tick.errors);
        logs.errors = logEvidence(failures);
        for (const sums of [failed, minutes[0].failed]) add(sums, sidesOf(tick.errors));
      }
      if (tick.latency.some(({ m }) => m > 0) || starts) {
        for (const [index, exposure] of tick.latency.entries()) {
          const [evidence, sums] = [slowness[index], slow[index]];
          if (evidence !== undefined) observe(evidence, exposure);
          if (sums !== undefined) add(sums, sidesOf(exposure));
        }
        logs.latency = latencyEvidence();
      }
      const { all: m, treatment: x } = tick.arrivals;
      if (share !== undefined) observe(split, { n0: 1 - share, n1: share, m, x });
    },
    verdict() {
      const act = half(falseAlarms.act);
      const evidence = logs.errors;
      if (evidence >= act && matters())
        return {
          signal: 'errors',
          evidence,
          needed: act,
          control: countOf('control', failed),
          treatment: countOf('treatment', failed),
          threshold: 0,
        };
      const late = logs.latency;
      if (late < act) return undefined;
      const threshold = loudest();
      const sums = slow[threshold] ?? nobody();
      return {
        signal: 'latency',
        evidence: late,
        needed: act,
        control: countOf('control', sums),
        treatment: countOf('treatment', sums),
        threshold,
      };
    },
    standings() {
      const [act, warn] = [half(falseAlarms.act), half(falseAlarms.warn)];
      const odd = needed(falseAlarms.split);
      return [
        { signal: 'errors', evidence: logs.errors, act, warn },
        { signal: 'latency', evidence: logs.latency, act, warn },
        // It only ever warns.
        { signal: 'split', evidence: logEvidence(split), act: odd, warn: odd },
      ];
    },
    counts: () => ({ control: countOf('control', failed), treatment: countOf('treatment', failed) }),
  };
}

const sidesOf = ({ m, x }: { m: number; x: number }): Sums => ({ control: m - x, treatment: x });

const sum = (a: Sums, b: Sums): Sums => ({
  control: a.control + b.control,
  treatment: a.treatment + b.treatment,
});

/** By how much more of all it is on treatment, 0 to 1; of nobody it is nothing. */
const difference = (some: Sums, all: Sums): number =>
  some.treatment / Math.max(1, all.treatment) - some.control / Math.max(1, all.control);

function add(to: Sums, { control, treatment }: Sums): void {
  to.control += control;
  to.treatment += treatment;
}
