import { loadScript } from './place.ts';
import { cores, start } from './programs.ts';

/** What wrk saw. Percentiles in milliseconds. */
export type Load = { requests: number; perSecond: number; p50: number; p99: number };

type Result = {
  requests: number;
  microseconds: number;
  failed: number;
  refused: number;
  p50: number;
  p99: number;
};

const connections = 64;

/** Loads a port for so many seconds. Rejects when a single request failed or was not answered with success. */
export async function load(port: number, seconds: number): Promise<Load> {
  const url = `http://127.0.0.1:${port}`;
  const wrk = start(cores.load, 'wrk', [
    '--threads=1',
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    '--timeout=10s',
    `--script=${loadScript}`,
    url,
  ]);
  await wrk.ended;
  const line = /^RESULT (.*)$/m.exec(wrk.output())?.[1];
  if (line === undefined) throw new Error(`wrk failed: ${wrk.output()}`);
  const { requests, microseconds, failed, refused, p50, p99 }: Result = JSON.parse(line);
  if (failed + refused > 0)
    throw new Error(
      `invalid round: ${requests} answers, ${failed} failures, ${refused} with an error status`,
    );
  return { requests, perSecond: (requests * 1e6) / microseconds, p50: p50 / 1000, p99: p99 / 1000 };
}
