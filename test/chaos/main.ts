import { parseArgs } from 'node:util';
import { alike } from './alike.ts';
import { crowds } from './crowds.ts';
import type { Fault, Trial } from './fault.ts';
import { stops } from './stops.ts';
import { descriptors, launchDarkly, logReader, redis } from './surroundings.ts';
import { ailing, readers, storms } from './upstreams.ts';

/** One fault after the other, each for a while, and a report. Ends with 1 when something failed. */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rate: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});
const rate = Number(values.rate ?? 50);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
/** Seconds, unless they are said: a guard needs its time to be wrong. */
const usual = new Map<Fault, number>([[alike, 300]]);

const faults = [
  ailing,
  storms,
  readers,
  ...crowds,
  descriptors,
  redis,
  launchDarkly,
  logReader,
  stops,
  alike,
].filter(({ name }) => name.includes(values.only ?? ''));

let interrupted = false;
process.once('SIGINT', () => (interrupted = true));
const report: { fault: string; seen: string; outcome: 'ok' | 'FAILED' }[] = [];
console.log(`seed ${seed}`);
for (const fault of faults) {
  if (interrupted) break;
  console.log(`\n${fault.name}`);
  const { seen, failed } = await run(fault);
  report.push({ fault: fault.name, seen, outcome: failed ? 'FAILED' : 'ok' });
}

console.log(`\n| fault | seen | |\n| --- | --- | --- |`);
for (const { fault, seen, outcome } of report) console.log(`| ${fault} | ${seen} | ${outcome} |`);
const failed = report.filter(({ outcome }) => outcome === 'FAILED').length;
console.log(`\n${report.length - failed} of ${faults.length} faults did no harm (seed ${seed})`);
// What a failure has left open must not keep this from its end.
process.exit(failed > 0 || report.length === 0 ? 1 : 0);

async function run(fault: Fault): Promise<{ seen: string; failed: boolean }> {
  const seconds = Number(values.seconds ?? usual.get(fault) ?? 20);
  const undo: (() => unknown)[] = [];
  const begun = performance.now();
  const elapsed = () => (performance.now() - begun) / 1000;
  const trial: Trial = {
    teardown: (one) => void undo.push(one as () => unknown),
    seconds,
    seed,
    rate,
    tell: (what) => console.log(`${elapsed().toFixed(0).padStart(4)} s  ${what}`),
    isOver: () => interrupted || elapsed() > seconds,
  };
  const late = new AbortController();
  const bound = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error('it came to no end')), (seconds + 120) * 1000);
    late.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    return { seen: await Promise.race([fault.run(trial), bound]), failed: false };
  } catch (error) {
    return { seen: error instanceof Error ? error.message : String(error), failed: true };
  } finally {
    late.abort();
    for (const one of undo.toReversed()) await one();
  }
}
