import { cpus } from 'node:os';
import type { Load } from './load.ts';

/** One measurement of one contender. `cpu` is in microseconds a request, over its whole process tree. */
export type Round = Load & { cpu: number };

/** The medians of a contender's rounds, and its CPU time against others of the same run. */
export type Summary = Round & {
  name: string;
  about: string;
  toHttpProxy: number | undefined;
  toNginx: number | undefined;
  rounds: Round[];
};

export type Report = {
  date: string;
  node: string;
  cpu: string;
  cores: number;
  /** Length of a measurement in seconds, and requests to each contender before the first. */
  seconds: number;
  warmUp: number;
  contenders: Summary[];
};

export function summarise(measured: readonly { name: string; about: string; rounds: Round[] }[]): Summary[] {
  const medians = measured.map((one) => ({
    ...one,
    requests: median(one.rounds.map(({ requests }) => requests)),
    perSecond: median(one.rounds.map(({ perSecond }) => perSecond)),
    p50: median(one.rounds.map(({ p50 }) => p50)),
    p99: median(one.rounds.map(({ p99 }) => p99)),
    cpu: median(one.rounds.map(({ cpu }) => cpu)),
  }));
  const cpuOf = (name: string) => medians.find((one) => one.name === name)?.cpu;
  const httpProxy = cpuOf('http-proxy');
  const nginx = cpuOf('nginx');
  return medians.map((one) => ({
    ...one,
    toHttpProxy: httpProxy === undefined ? undefined : one.cpu / httpProxy,
    toNginx: nginx === undefined ? undefined : one.cpu / nginx,
  }));
}

export function describe(contenders: Summary[], seconds: number, warmUp: number): Report {
  const date = new Date().toISOString();
  const [cpu] = cpus();
  return {
    date,
    node: process.version,
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    seconds,
    warmUp,
    contenders,
  };
}

export function table(contenders: readonly Summary[]): string {
  const rows = [
    ['contender', 'CPU µs/req', 'of http-proxy', 'of nginx', 'req/s', 'p50 ms', 'p99 ms', ''],
    ...contenders.map(({ name, about, cpu, toHttpProxy, toNginx, perSecond, p50, p99 }) => [
      name,
      cpu.toFixed(1),
      toHttpProxy?.toFixed(2) ?? '–',
      toNginx?.toFixed(2) ?? '–',
      perSecond.toFixed(0),
      p50.toFixed(2),
      p99.toFixed(2),
      about,
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
