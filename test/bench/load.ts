import { clientProgram, loadScript } from './place.ts';
import { cores, start } from './programs.ts';

/** What was asked and seen in one measurement. `latency` in milliseconds, `megabytes` of 10⁶ bytes a second. */
export type Load = {
  requests: number;
  perSecond: number;
  megabytes: number;
  p50: number;
  p99: number;
  p999: number;
};

/** Loads a port for so many seconds. */
export type Driver = (port: number, seconds: number) => Promise<Load>;

type Result = {
  requests: number;
  microseconds: number;
  bytes: number;
  failed: number;
  refused: number;
  p50: number;
  p99: number;
  p999: number;
};

/**
 * As much as can be served to so many connections, each of which asks again when it has its answer. Rejects when a single
 * request failed or was not answered with success.
 */
export const asMuchAsPossible =
  ({ connections = 64, path = '/fact/', tls = false } = {}): Driver =>
  async (port, seconds) => {
    const wrk = start(cores.load, 'wrk', [
      '--threads=1',
      `--connections=${connections}`,
      `--duration=${seconds}s`,
      '--timeout=10s',
      `--script=${loadScript}`,
      `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
      path,
    ]);
    await wrk.ended;
    const line = /^RESULT (.*)$/m.exec(wrk.output())?.[1];
    if (line === undefined) throw new Error(`wrk failed: ${wrk.output()}`);
    const { requests, microseconds, bytes, failed, refused, ...percentiles }: Result = JSON.parse(line);
    if (failed + refused > 0)
      throw new Error(
        `invalid round: ${requests} answers, ${failed} failures, ${refused} with an error status`,
      );
    return {
      requests,
      perSecond: (requests * 1e6) / microseconds,
      megabytes: bytes / microseconds,
      p50: percentiles.p50 / 1000,
      p99: percentiles.p99 / 1000,
      p999: percentiles.p999 / 1000,
    };
  };

/** What a client of ours does, as a program on the core of the load; it prints what it saw. */
export const byClient =
  (name: string, ...args: (string | number)[]): Driver =>
  async (port, seconds) => {
    const program = clientProgram(name);
    const client = start(cores.load, process.execPath, [
      program,
      String(port),
      String(seconds),
      ...args.map(String),
    ]);
    const code = await client.ended;
    const line = /^RESULT (.*)$/m.exec(client.output())?.[1];
    if (code !== 0 || line === undefined) throw new Error(`invalid round: ${client.output()}`);
    return JSON.parse(line) as Load;
  };
