import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of user and system time that the threads of a process and of everything below it have used. */
export function cpuSeconds(root: number): number {
  let nanoseconds = 0;
  for (const pid of processTree(root).keys())
    for (const thread of threadsOf(pid)) nanoseconds += nanosecondsOf(pid, thread);
  return nanoseconds / 1e9;
}

const threadsOf = (pid: number) => orElse(() => readdirSync(`/proc/${pid}/task`), []);

/** As the scheduler counts it, since other accounts are in hundredths of a second. */
const nanosecondsOf = (pid: number, thread: string) =>
  orElse(() => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0);

/** A process and everything below it, each with its parent. Those that have ended are left out. */
export function processTree(root: number): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  return new Map([...parents].filter(([pid]) => isWithin(pid, root, parents)));
}

function isWithin(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = pid; at > 0; at = parents.get(at) ?? 0) if (at === root) return true;
  return false;
}

/** Fields of proc_pid_stat(5), from the one after the name, which may hold anything. */
const parentOf = (pid: string): number | undefined =>
  orElse(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(parent);
  }, undefined);

/** What was here a moment ago may have ended. */
function orElse<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
