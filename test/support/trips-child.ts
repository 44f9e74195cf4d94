import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.ts';
import { tripKind } from '../../src/guard/trip.ts';
import { openTrips } from '../../src/guard/trips.ts';
import { openFileStore } from '../../src/store/file-store.ts';
import { until } from './client.ts';
import { spawnNode } from './plain-node.ts';
import { aRegression } from './regression.ts';

const file = fileURLToPath(import.meta.url);

const hex = (digits: number) => randomBytes(digits / 2).toString('hex');

/** What the process did last: the trip that is in the file before it, and after it. */
type Step = { before: string | undefined; after: string | undefined; done: boolean };

/**
 * A process that trips and clears on a state file until it is killed with SIGKILL, this many milliseconds after it began
 * to. Resolves with its last step.
 */
export async function tripUntilKilled(state: string, milliseconds: number): Promise<Step> {
  const child = spawnNode([file, state], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let last: Step | undefined;
  child.on('message', (step: Step) => (last = step));
  const ended = once(child, 'close');
  await Promise.race([once(child, 'message'), ended]);
  await delay(milliseconds);
  child.kill('SIGKILL');
  await ended;
  if (last === undefined) throw new Error('it ended by itself');
  return last;
}

if (process.argv[1] === file && process.send) {
  const tell = process.send.bind(process);
  const trips = await openTrips({
    flags: ['api'],
    store: await openFileStore(process.argv[2] ?? '', systemClock, [tripKind]),
    clock: systemClock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    hex,
    changed: () => {},
  });
  for (;;) {
    const [before, one] = [trips.tripped('api')?.id, aRegression({ flag: 'api', id: hex(16) })];
    const step = { before, after: before === undefined ? one.id : undefined };
    tell({ ...step, done: false });
    if (before === undefined) trips.trip(one);
    else await trips.clear('api', '');
    if (before === undefined) await until(() => trips.saved('api').saved, 'stored');
    tell({ ...step, done: true });
  }
}
