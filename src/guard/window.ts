import type { GuardConfig } from '../config/guard-schema.ts';
import type { Exposure } from './evidence.ts';
import { trailingLatencies, type Quantiles } from './latencies.ts';
import { emptyTick, thresholds, type Tick } from './tick.ts';
import { hashUnit, unitSets, type UnitHash, type UnitSet, type UnitSets } from './unit-set.ts';

/** What one proxy sees on one route: the tick under way, and who had what in this epoch. Its memory is bounded. */
export type Window = {
  /** A user with this key asks. It counts from here, lest those be missed who wait long for an answer that is well. */
  asked(key: string, onTreatment: boolean): void;
  /** One request that was asked for has ended. `latencyMs`: until its head, of a successful plain answer. */
  ended(key: string, onTreatment: boolean, failed: boolean, latencyMs: number | undefined): FirstEvent;
  /** Ends the tick, and begins the next with thresholds of its own. */
  close(): Tick;
  /** Everybody counts anew. */
  newEpoch(): void;
  /** The latest latencies on either side, and from when on an answer is slow now. */
  quantiles(): { control: Quantiles | undefined; treatment: Quantiles | undefined };
  slowerThan(threshold: number): { control: number; treatment: number };
};

/** What a request was the first of in this epoch: `failure`, a number for the highest threshold it was above, or nothing. */
export type FirstEvent = 'failure' | number | undefined;

export type WindowOptions = Pick<GuardConfig, 'unit' | 'latency'> & {
  /** Random, 32 bits. */
  seed: number;
  /** Bits of the sets for an epoch, and of those for a tick; powers of two. */
  bits?: { epoch: number; tick: number };
};

/** Four mebibytes hold 170,000 users an epoch, a million an hour, and take one in some thousands for another. */
const usual = { epoch: 2 ** 25, tick: 2 ** 20 };

const never = () => new Float64Array(thresholds.length).fill(Infinity);

/** What is slow is judged by control's latencies; treatment's are only told, most often soon after the first came. */
const samples = { control: 200, treatment: 20 };

export function createWindow({ unit, latency, seed, bits = usual }: WindowOptions): Window {
  // Each request is somebody new: there is nobody to remember.
  const setsOf = unit === 'request' ? everybodyIsNew : unitSets;
  const inTick = setsOf(bits.tick, 4);
  const [activeControl, activeTreatment, answeredControl, answeredTreatment] = inTick.sets as Four;
  const inEpoch = setsOf(bits.epoch, 4 + thresholds.length);
  const [failedBefore, known, knownControl, knownTreatment, ...slowBefore] = inEpoch.sets as Four;
  const control = trailingLatencies(samples.control);
  const treatment = trailingLatencies(samples.treatment);
  const slowerThan = { control: never(), treatment: never() };
  /** Whether there are thresholds yet. */
  let comparesLatency = false;
  let tick = emptyTick();
  const hash: UnitHash = { a: 0, b: 0 };

  /** Whether somebody's first answer above a threshold this was. Thresholds grow, so that most answers are below them all. */
  function slow(onTreatment: boolean, latencyMs: number, isFirst: boolean): FirstEvent {
    const limits = onTreatment ? slowerThan.treatment : slowerThan.control;
    let first: FirstEvent;
    for (let i = 0; i < slowBefore.length; i += 1) {
      const isSlow = latencyMs > (limits[i] as number);
      if (!isFirst && !isSlow) break;
      const before = slowBefore[i] as UnitSet;
      const exposure = tick.latency[i] as Exposure;
      if (isFirst && !before.has(hash)) atRisk(exposure, onTreatment);
      if (!isSlow || !before.add(hash)) continue;
      happened(exposure, onTreatment);
      first = i;
    }
    return first;
  }

  return {
    asked(key, onTreatment) {
      hashUnit(key, seed, hash);
      if (!(onTreatment ? activeTreatment : activeControl).add(hash)) return;
      if (!failedBefore.has(hash)) atRisk(tick.errors, onTreatment);
      if ((onTreatment ? knownTreatment : knownControl).add(hash))
        tick.units[onTreatment ? 'treatment' : 'control'] += 1;
      if (!known.add(hash)) return;
      tick.arrivals.all += 1;
      if (onTreatment) tick.arrivals.treatment += 1;
    },
    ended(key, onTreatment, failed, latencyMs) {
      hashUnit(key, seed, hash);
      if (failed) {
        if (!failedBefore.add(hash)) return undefined;
        happened(tick.errors, onTreatment);
        return 'failure';
      }
      if (latencyMs === undefined) return undefined;
      const isFirst = (onTreatment ? answeredTreatment : answeredControl).add(hash);
      // One user who asks more often than all others together is not to say what is slow.
      if (isFirst) (onTreatment ? treatment : control).add(latencyMs);
      return comparesLatency ? slow(onTreatment, latencyMs, isFirst) : undefined;
    },
    close() {
      const closed = tick;
      tick = emptyTick();
      inTick.clear();
      const quantiles = latency === undefined ? undefined : control.quantiles();
      comparesLatency = quantiles !== undefined;
      for (const [index, name] of thresholds.entries()) {
        if (latency === undefined || quantiles === undefined) break;
        const limit = quantiles[name];
        slowerThan.control[index] = limit;
        slowerThan.treatment[index] = Math.max(limit * latency.tolerated, limit + latency.slack);
      }
      return closed;
    },
    newEpoch() {
      inEpoch.clear();
      // They may be those of a v1 that is mended by now.
      treatment.clear();
    },
    quantiles: () => ({ control: control.quantiles(), treatment: treatment.quantiles() }),
    slowerThan: (threshold) => ({
      control: slowerThan.control[threshold] ?? Infinity,
      treatment: slowerThan.treatment[threshold] ?? Infinity,
    }),
  };
}

type Four = [UnitSet, UnitSet, UnitSet, UnitSet, ...UnitSet[]];

const everybodyIsNew = (_bits: number, count: number): UnitSets => ({
  sets: Array.from({ length: count }, () => ({ add: () => true, has: () => false })),
  clear: () => {},
});

function atRisk(exposure: Exposure, onTreatment: boolean): void {
  if (onTreatment) exposure.n1 += 1;
  else exposure.n0 += 1;
}

function happened(exposure: Exposure, onTreatment: boolean): void {
  exposure.m += 1;
  if (onTreatment) exposure.x += 1;
}
