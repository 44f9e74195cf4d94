import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Has a program of Node's write into a file, as it ends, what it was doing every 500 microseconds. */
export const profiling = (file: string): string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${dirname(file)}`,
  `--cpu-prof-name=${basename(file)}`,
  '--cpu-prof-interval=500',
];

type Frame = { functionName: string; url: string; lineNumber: number };
type Profile = {
  nodes: { id: number; callFrame: Frame; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
  /** Microseconds. */
  endTime: number;
  startTime: number;
};

/** Share of the time in which a function itself ran, and in which it or what it called did. */
type Share = { what: string; own: number; whole: number };

/** The last seconds of a profile: by function, and by whose code it is. */
export function summarise(file: string, seconds: number): { functions: Share[]; owners: Share[] } {
  const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const from = profile.endTime - seconds * 1e6;
  const functions = new Map<string, Share>();
  const owners = new Map<string, Share>();
  let now = profile.startTime;
  let all = 0;
  for (const [at, sample] of profile.samples.entries()) {
    const delta = profile.timeDeltas[at] ?? 0;
    now += delta;
    const stack: Frame[] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id))
      stack.push(...(frames.has(id) ? [frames.get(id) as Frame] : []));
    if (now < from || stack[0]?.functionName === '(idle)') continue;
    all += delta;
    count(functions, stack.map(nameOf), delta);
    count(owners, stack.map(ownerOf), delta);
  }
  return { functions: shares(functions, all), owners: shares(owners, all) };
}

function count(shares: Map<string, Share>, [self = '', ...callers]: string[], delta: number): void {
  for (const what of new Set([self, ...callers])) {
    const share = shares.get(what) ?? { what, own: 0, whole: 0 };
    shares.set(what, share);
    share.whole += delta;
    if (what === self) share.own += delta;
  }
}

const shares = (sums: ReadonlyMap<string, Share>, all: number): Share[] =>
  [...sums.values()]
    .map(({ what, own, whole }) => ({ what, own: own / all, whole: whole / all }))
    .toSorted((a, b) => b.own - a.own);

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const place = url.replace(/^.*\/(artifacts\/suite|node_modules)\//, '');
  return `${functionName || '(nameless)'}${place === '' ? '' : `  ${place}:${lineNumber + 1}`}`;
}

/** `native` is what is called in V8 and the system by name: to write, above all. `(program)` is the rest, reading and waiting. */
function ownerOf({ functionName, url }: Frame): string {
  if (url.startsWith('node:')) return 'Node';
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  return /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? 'ours';
}

const percent = (share: number) => `${(share * 100).toFixed(1).padStart(5)} %`;
const lines = (shares: readonly Share[]) =>
  shares.map(({ what, own, whole }) => `${percent(own)}  ${percent(whole)}  ${what}`);

export function profileText({ functions, owners }: ReturnType<typeof summarise>, most = 40): string {
  const called = functions.filter(({ what }) => what !== '(root)');
  return [
    'itself   with what it calls',
    ...lines(owners.filter(({ own }) => own > 0)),
    '',
    ...lines(called.slice(0, most)),
    '',
    ...lines(called.toSorted((a, b) => b.whole - a.whole).slice(0, most)),
  ].join('\n');
}
