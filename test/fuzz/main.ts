import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

/** Fuzzes until somebody ends it, or a case fails. */
const { values } = parseArgs({ options: { seed: { type: 'string' }, runs: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(values.runs ?? 2 ** 31);

const teardowns: (() => unknown)[] = [];
let interrupted = false;
process.once('SIGINT', () => (interrupted = true));

let done = 0;
let told = 0;
const startedAt = performance.now();
const tell = () => {
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`seed ${seed}: ${done} cases, ${Math.round(done / seconds)} a second`);
};
const failure = await fuzz(
  { teardown: (undo) => void teardowns.push(undo as () => unknown) },
  {
    seed,
    runs,
    isOver(cases) {
      done = cases;
      if (performance.now() - told > 2000) {
        told = performance.now();
        tell();
      }
      return interrupted;
    },
  },
);
for (const undo of teardowns.toReversed()) await undo();
tell();
if (failure !== undefined) {
  console.error(failure);
  process.exitCode = 1;
}
