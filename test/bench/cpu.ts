import { readdirSync, readFileSync } from 'node:fs';

type Stat = { parent: number; ticks: number };

/** Linux counts these in hundredths of a second on every machine (USER_HZ). */
const ticksPerSecond = 100;

/** Seconds of user and system time that a process and everything below it have used. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const stat of processTree(pid).values()) ticks += stat.ticks;
  return ticks / ticksPerSecond;
}

/** A process and everything below it, by process id. Those that have ended are left out. */
export function processTree(root: number): ReadonlyMap<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (stat !== undefined) all.set(Number(name), stat);
  }
  return new Map([...all].filter(([pid]) => isWithin(pid, root, all)));
}

function isWithin(pid: number, root: number, all: ReadonlyMap<number, Stat>): boolean {
  for (let at = pid; at > 0; at = all.get(at)?.parent ?? 0) if (at === root) return true;
  return false;
}

/** Fields of proc_pid_stat(5), from the one after the name, which may hold anything. */
function statOf(pid: string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}
