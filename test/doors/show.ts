import type { Test } from 'tap';
import type { Door } from './door.ts';
import { behaviours } from './list.ts';
import { startWorld } from './world.ts';

/** Shows every behaviour of the wire contract that a door has, and gives the reason for each that it has not. */
export async function showAll(t: Test, door: Door): Promise<void> {
  const world = await startWorld(t, door);
  const only = process.env['BEHAVIOUR'];
  for (const { number, name, http1, http2 } of behaviours) {
    if (only !== undefined && !only.split(',').includes(`${number}`)) continue;
    const run = door.http2 ? http2 : http1;
    const title = `${`${number}`.padStart(2, '0')} ${name}`;
    if (typeof run === 'string') t.comment(`${title}: not with ${door.name}. ${run}`);
    else await t.test(title, (t) => run(t, world));
  }
}
