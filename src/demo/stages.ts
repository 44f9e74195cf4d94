import type { Clock, Crowd, Visitor } from './crowd.ts';

/**
 * Where the rollout is: `status` as the admin port names it, `percent` of visitors to have v1, and what the guard found,
 * in words, when it was the guard that stopped it.
 */
export type Standing = { status: string; percent: number; regression?: { words: string } | undefined };

export type StagesOptions = {
  crowd: Pick<Crowd, 'visitors'>;
  standing: () => Standing | undefined;
  /** Takes one line. */
  tell: (line: string) => void;
  /** What is done after the line of a standing. */
  told?: ((standing: Standing) => void) | undefined;
  clock: Clock;
};

/** How often the rollout is looked at, in milliseconds. */
const glance = 100;

/**
 * Tells a line each time the rollout has come somewhere else, once every visitor has asked since: when that was, counted from
 * the start, and what became of the visitors. What the guard found is told at once. Returns how to stop.
 */
export function tellStages({ crowd, standing, tell, told, clock }: StagesOptions): () => void {
  const start = clock.now();
  let last: { standing: Standing; at: number; told: boolean } | undefined;
  let evidence: string | undefined;
  const look = () => {
    cancel = clock.after(glance, look);
    const found = standing();
    if (found === undefined) return;
    const words = found.regression?.words;
    if (words !== undefined && words !== evidence) tell(`${timeText(clock.now() - start)}   ${words}`);
    evidence = words;
    if (found.percent !== last?.standing.percent || found.status !== last.standing.status)
      last = { standing: found, at: clock.now(), told: false };
    const { at } = last;
    if (last.told || !crowd.visitors.every(({ askedAt = -Infinity }) => askedAt > at)) return;
    last.told = true;
    tell(stageLine(at - start, found, crowd.visitors));
    told?.(found);
  };
  let cancel = clock.after(0, look);
  return () => cancel();
}

function stageLine(at: number, { status, percent }: Standing, visitors: readonly Visitor[]): string {
  const onV1 = visitors.filter(({ version }) => version === '1').length;
  const sum = (way: 'forward' | 'back') => visitors.reduce((total, visitor) => total + visitor[way], 0);
  const state = status.replaceAll('_', ' ');
  return [
    timeText(at),
    `${percent} %`.padStart(5),
    `${String(onV1).padStart(3)} of ${visitors.length} visitors on v1`,
    `${String(sum('forward')).padStart(3)} moved forward`,
    `${sum('back')} moved back`,
    ...(status === 'in_progress' ? [] : [onV1 === 0 ? `${state}: everybody is on v0` : state]),
  ].join('   ');
}

/** Minutes and seconds, as wide as a column of them. */
function timeText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`.padStart(6);
}
