import { parseArgs } from 'node:util';
import type { Test } from 'tap';
import { oddsText } from '../../src/telemetry/regression.ts';
import { startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';
import { weather } from './weather.ts';

/**
 * A v1 that is no worse than v0, through all that strikes both: clients who hang up, restarts, bursts of failures. The
 * guard has to leave it alone. Ends with 1 when it does not.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string' }, rate: { type: 'string' }, seed: { type: 'string' } },
});
const seconds = Number(values.seconds ?? 300);
const rate = Number(values.rate ?? 50);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

const teardowns: (() => unknown)[] = [];
const t: Pick<Test, 'teardown'> = { teardown: (undo) => void teardowns.push(undo as () => unknown) };
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

const sky = weather(seed);
const { proxy, v0, v1, ...shown } = await startGuarded(t, {
  v0: sky.answer,
  v1: sky.answer,
  stage: `${Math.ceil(seconds / 2)}s`,
  keys: 'log: { access: false }',
});
await shown.watching();
sky.over([v0, v1], (what) => tell(what));
const client = steadyClient(t, [proxy.port], {
  rate,
  leaves: sky.leaves,
});

const begun = performance.now();
const elapsed = () => (performance.now() - begun) / 1000;
const most = new Map<string, number>();
let tripped: string | undefined;
for (let told = 0; elapsed() < seconds && !interrupted.signal.aborted && tripped === undefined;) {
  await new Promise((resolve) => setTimeout(resolve, 250));
  const { trip, seen, signals } = await shown.guard();
  tripped = trip?.words;
  for (const { signal, evidence } of signals)
    most.set(signal, Math.max(most.get(signal) ?? -Infinity, evidence));
  if (elapsed() < told + 10) continue;
  told = elapsed();
  const { percent } = await shown.rollout();
  const sides = [seen.control, seen.treatment].map(
    ({ version, units, failed }) => `v${version} failed ${failed} of ${units} users`,
  );
  tell(
    `${client.asked.length} requests, v1 at ${percent} %: ${sides.join(', ')}; evidence ${evidenceText()}`,
  );
}
sky.clear();
await client.stop();
for (const undo of teardowns.toReversed()) await undo();

const left = client.asked.filter(({ status }) => status === 0).length;
tell(`${client.asked.length} requests, ${left} left before the head; most evidence ${evidenceText()}`);
console.log(
  tripped === undefined ? 'the guard left v1 alone, as it should' : `FALSE ALARM (seed ${seed}): ${tripped}`,
);
process.exitCode = tripped === undefined ? 0 : 1;

function tell(what: string): void {
  console.log(`${elapsed().toFixed(0).padStart(4)} s  ${what}`);
}

function evidenceText(): string {
  return [...most].map(([signal, log]) => `${signal} ${oddsText(log)}`).join(', ');
}
