import type { Pool } from '../front.ts';
import type { PoolCounts } from '../upstream/pool.ts';

/** What several processes have at each upstream, as one. */
export function poolsOf(all: readonly ReadonlyMap<string, PoolCounts>[]): Pool[] {
  const sums = new Map<string, Pool>();
  for (const pools of all)
    for (const [name, counts] of pools) sums.set(name, { name, ...added(sums.get(name) ?? none, counts) });
  return [...sums.values()];
}

export const none: PoolCounts = { active: 0, idle: 0, tunnels: 0, waiting: 0, connects: 0, replays: 0 };

export const added = (a: PoolCounts, b: PoolCounts): PoolCounts => ({
  active: a.active + b.active,
  idle: a.idle + b.idle,
  tunnels: a.tunnels + b.tunnels,
  waiting: a.waiting + b.waiting,
  connects: a.connects + b.connects,
  replays: a.replays + b.replays,
});
