import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { rollouts as schema } from '../../src/config/rollout-schema.ts';
import { systemClock } from '../../src/clock.ts';
import { openFileStore } from '../../src/store/file-store.ts';
import { openRollouts } from '../../src/rollout/rollouts.ts';
import { spawnNode } from './plain-node.ts';

const file = fileURLToPath(import.meta.url);

/** A hundred stages of forty milliseconds, one percent each. */
const stages = Array.from({ length: 99 }, (_, i) => ({ percent: i + 1, for: '40ms' }));

/**
 * A process that runs a rollout from a state file until it is killed with SIGKILL, this many milliseconds after it
 * began to. Resolves with every percentage that it put in force, in order.
 */
export async function runUntilKilled(state: string, milliseconds: number): Promise<number[]> {
  const child = spawnNode([file, state], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const served: number[] = [];
  const ended = once(child, 'close');
  await new Promise<void>((resolve, reject) => {
    child.on('message', (percent: number | 'begins') => {
      if (percent === 'begins') resolve();
      else served.push(percent);
    });
    child.once('exit', () => reject(new Error('it ended by itself')));
  });
  await delay(milliseconds);
  child.kill('SIGKILL');
  await ended;
  return served;
}

if (process.argv[1] === file && process.send) {
  const tell = process.send.bind(process);
  tell('begins');
  await openRollouts({
    rollouts: schema.parse({ api: { from: 0, to: 1, stages } }),
    store: await openFileStore(process.argv[2] ?? '', systemClock, []),
    clock: systemClock,
    log: { info: () => {}, error: () => {} },
    hex: (digits) => randomBytes(digits).toString('hex').slice(0, digits),
    split: (_flag, { percent }) => void tell(percent),
    saltOf: () => undefined,
    wanted: () => 0,
    openOn: () => () => {},
  });
  setInterval(() => {}, 1000);
}
