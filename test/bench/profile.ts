import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Has a program of Node's write down, as it ends, what it was doing every so many microseconds. */
export const profiling = (folder: string): string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${folder}`,
  '--cpu-prof-interval=500',
];

type Frame = { functionName: string; url: string; lineNumber: number };
type Profile = {
  nodes: { id: number; callFrame: Frame }[];
  samples: number[];
  timeDeltas: number[];
  /** Microseconds. */
  endTime: number;
  startTime: number;
};

/** Share of the time in which a function itself ran. */
type Share = { what: string; share: number };

/** The profile that lies in a folder, of its last seconds: by function, and by whose code it is. */
export function summarise(folder: string, seconds: number): { functions: Share[]; owners: Share[] } {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('no profile was written');
  const profile: Profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const from = profile.endTime - seconds * 1e6;
  const functions = new Map<string, number>();
  const owners = new Map<string, number>();
  let now = profile.startTime;
  let all = 0;
  for (const [at, sample] of profile.samples.entries()) {
    const delta = profile.timeDeltas[at] ?? 0;
    now += delta;
    const frame = frames.get(sample);
    if (now < from || frame === undefined || frame.functionName === '(idle)') continue;
    all += delta;
    for (const [sums, what] of [
      [functions, nameOf(frame)],
      [owners, ownerOf(frame)],
    ] as const)
      sums.set(what, (sums.get(what) ?? 0) + delta);
  }
  return { functions: shares(functions, all), owners: shares(owners, all) };
}

const shares = (sums: ReadonlyMap<string, number>, all: number): Share[] =>
  [...sums].map(([what, sum]) => ({ what, share: sum / all })).toSorted((a, b) => b.share - a.share);

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

export function profileText({ functions, owners }: ReturnType<typeof summarise>, most = 40): string {
  const line = ({ what, share }: Share) => `${(share * 100).toFixed(1).padStart(5)} %  ${what}`;
  return [...owners.map(line), '', ...functions.slice(0, most).map(line)].join('\n');
}
