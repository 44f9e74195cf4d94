import type { GuardConfig } from '../config/guard-schema.ts';
import type { Exposure } from './evidence.ts';
import { trailingLatencies, type Quantiles } from './latencies.ts';
import { emptyTick, thresholds, type Tick } from './tick.ts';
import { hashUnit, unitSet, type UnitHash } from './unit-set.ts';

/** What one proxy sees on one route: the tick under way, and who had what in this epoch. Its memory is bounded. */
export type Window = {
  /** One request that ended, of a user with this key. `latencyMs`: until its head, of a successful plain answer. */
  saw(key: string, onTreatment: boolean, failed: boolean, latencyMs: number | undefined): FirstEvent;
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
  /** Bits of a set for an epoch, and of one for a tick; powers of two. */
  bits?: { epoch: number; tick: number };
};

/** Half a mebibyte holds 170,000 users an epoch, a million an hour, and takes one in two thousand for another. */
const usual = { epoch: 2 ** 22, tick: 2 ** 19 };

const never = { control: Infinity, treatment: Infinity };

export function createWindow({ unit, latency, seed, bits = usual }: WindowOptions): Window {
  const { epoch, tick: perTick } = bits;
  // Each request is somebody new: there is nobody to remember.
  const counts = unit === 'request' ? everybodyIsNew : unitSet;
  const active = counts(perTick);
  const answered = counts(perTick);
  const failedBefore = counts(epoch);
  const slowBefore = thresholds.map(() => counts(epoch));
  const known = counts(epoch);
  const knownTo = counts(epoch);
  const sets = [failedBefore, ...slowBefore, known, knownTo];

  const control = trailingLatencies();
  const treatment = trailingLatencies();
  let limits = thresholds.map(() => never);
  let tick = emptyTick();
  const hash: UnitHash = { a: 0, b: 0 };
  const onVersion: UnitHash = { a: 0, b: 0 };

  function slow(onTreatment: boolean, latencyMs: number): FirstEvent {
    const isFirst = answered.add(onVersion);
    let first: FirstEvent;
    for (const [index, limit] of limits.entries()) {
      const exposure = tick.latency[index];
      const before = slowBefore[index];
      if (exposure === undefined || before === undefined || limit === never) continue;
      if (isFirst && !before.has(hash)) atRisk(exposure, onTreatment);
      if (latencyMs <= (onTreatment ? limit.treatment : limit.control) || !before.add(hash)) continue;
      happened(exposure, onTreatment);
      first = index;
    }
    return first;
  }

  return {
    saw(key, onTreatment, failed, latencyMs) {
      hashUnit(key, seed, hash);
      onVersion.a = onTreatment ? hash.a ^ 0x5bd1e995 : hash.a;
      onVersion.b = hash.b;
      if (active.add(onVersion)) {
        if (!failedBefore.has(hash)) atRisk(tick.errors, onTreatment);
        if (knownTo.add(onVersion)) tick.units[onTreatment ? 'treatment' : 'control'] += 1;
        if (known.add(hash)) {
          tick.arrivals.all += 1;
          if (onTreatment) tick.arrivals.treatment += 1;
        }
      }
      if (failed) {
        if (!failedBefore.add(hash)) return undefined;
        happened(tick.errors, onTreatment);
        return 'failure';
      }
      if (latencyMs === undefined) return undefined;
      (onTreatment ? treatment : control).add(latencyMs);
      return latency === undefined ? undefined : slow(onTreatment, latencyMs);
    },
    close() {
      const closed = tick;
      tick = emptyTick();
      active.clear();
      answered.clear();
      const quantiles = latency === undefined ? undefined : control.quantiles();
      limits = thresholds.map((name) => {
        if (latency === undefined || quantiles === undefined) return never;
        const limit = quantiles[name];
        return { control: limit, treatment: Math.max(limit * latency.tolerated, limit + latency.slack) };
      });
      return closed;
    },
    newEpoch() {
      for (const set of sets) set.clear();
    },
    quantiles: () => ({ control: control.quantiles(), treatment: treatment.quantiles() }),
    slowerThan: (threshold) => limits[threshold] ?? never,
  };
}

const everybodyIsNew: typeof unitSet = () => ({ add: () => true, has: () => false, clear: () => {} });

function atRisk(exposure: Exposure, onTreatment: boolean): void {
  if (onTreatment) exposure.n1 += 1;
  else exposure.n0 += 1;
}

function happened(exposure: Exposure, onTreatment: boolean): void {
  exposure.m += 1;
  if (onTreatment) exposure.x += 1;
}
