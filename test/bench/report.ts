import { cpus } from 'node:os';
import type { Load } from './load.ts';

/**
 * One measurement of one contender. `cpu` is in microseconds a request, over its whole process tree; `allocated` in bytes a
 * request, where it is told.
 */
export type Round = Load & { cpu: number; allocated: number | undefined };

/** A contender's rounds, and the median of each figure. */
export type Summary = { name: string; about: string; medians: Round; rounds: Round[] };

/** One scenario, by contender. */
export type Measured = { scenario: string; about: string; contenders: Summary[] };

export type Report = {
  date: string;
  /** That of the contenders in Node. */
  node: string;
  cpu: string;
  cores: number;
  /** Length of a measurement in seconds, and requests to each contender before the first. */
  seconds: number;
  warmUp: number;
  measured: Measured[];
};

export const summaryOf = (name: string, about: string, rounds: Round[]): Summary => {
  const of = (figure: (round: Round) => number) => median(rounds.map(figure));
  return {
    name,
    about,
    rounds,
    medians: {
      requests: of(({ requests }) => requests),
      perSecond: of(({ perSecond }) => perSecond),
      megabytes: of(({ megabytes }) => megabytes),
      p50: of(({ p50 }) => p50),
      p99: of(({ p99 }) => p99),
      p999: of(({ p999 }) => p999),
      cpu: of(({ cpu }) => cpu),
      allocated: rounds.some(({ allocated }) => allocated === undefined)
        ? undefined
        : of(({ allocated }) => allocated ?? 0),
    },
  };
};

export const describe = (about: Pick<Report, 'node' | 'seconds' | 'warmUp' | 'measured'>): Report => ({
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  ...about,
});

/** CPU time against another's of the same run: the median of what each round says, since its noise falls on both. */
const against =
  (other: string) =>
  (one: Summary, all: readonly Summary[]): number | undefined => {
    const its = all.find(({ name }) => name === other)?.rounds;
    return its && median(one.rounds.map(({ cpu }, round) => cpu / (its[round]?.cpu ?? Number.NaN)));
  };

const overDirect =
  (figure: 'p50' | 'p99') =>
  ({ medians }: Summary, all: readonly Summary[]): number | undefined => {
    const direct = all.find(({ name }) => name === 'direct');
    return direct && medians[figure] - direct.medians[figure];
  };

/** The columns there are: a title, the value, and how many decimals it is shown with. */
const figures = {
  cpu: ['CPU µs/req', ({ medians }) => medians.cpu, 1],
  toHttpProxy: ['of http-proxy', against('http-proxy'), 2],
  toUndici: ['of undici', against('undici'), 2],
  toNginx: ['of nginx', against('nginx'), 2],
  toBefore: ['of before', against('before'), 3],
  perSecond: ['req/s', ({ medians }) => medians.perSecond, 0],
  megabytes: ['MB/s', ({ medians }) => medians.megabytes, 1],
  p50: ['p50 ms', ({ medians }) => medians.p50, 2],
  p99: ['p99 ms', ({ medians }) => medians.p99, 2],
  p999: ['p99.9 ms', ({ medians }) => medians.p999, 2],
  overDirect50: ['p50 over direct', overDirect('p50'), 2],
  overDirect99: ['p99 over direct', overDirect('p99'), 2],
  allocated: ['bytes/req', ({ medians }) => medians.allocated, 0],
} satisfies Record<string, [string, (one: Summary, all: readonly Summary[]) => number | undefined, number]>;

export type Figure = keyof typeof figures;

export function table(contenders: readonly Summary[], columns: readonly Figure[]): string {
  const shown = columns.map((name) => figures[name]);
  const rows = [
    ['contender', ...shown.map(([title]) => title), ''],
    ...contenders.map((one) => [
      one.name,
      ...shown.map(([, value, decimals]) => value(one, contenders)?.toFixed(decimals) ?? '–'),
      one.about,
    ]),
  ];
  const widths =
    rows[0]?.map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === row.length - 1
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
