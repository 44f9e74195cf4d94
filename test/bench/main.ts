import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { contenders, startUpstream, type Contender, type Running, type Upstream } from './contenders.ts';
import { cpuSeconds } from './cpu.ts';
import { load } from './load.ts';
import { packageFile } from '../../src/package.ts';
import { killAll, missing } from './programs.ts';
import { describe, summarise, table, type Round } from './report.ts';

const usage = `usage: npm run bench -- [options]
  --rounds N     turns of each contender; medians are reported (5)
  --seconds N    length of a measurement (5)
  --warm-up N    requests to each contender before the first round (60000)
  --only A,B     of ${contenders.map(({ name }) => name).join(', ')}
  --out FILE     where the figures go (artifacts/bench.json)`;

type Options = { rounds: number; seconds: number; warmUp: number; chosen: readonly Contender[]; out: string };

/** Undefined when the command line makes no sense. */
function readOptions(args: string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        'warm-up': { type: 'string', default: '60000' },
        only: { type: 'string', default: contenders.map(({ name }) => name).join(',') },
        out: { type: 'string', default: packageFile('artifacts/bench.json') },
      },
    });
    const names = values.only.split(',');
    const chosen = contenders.filter(({ name }) => names.includes(name));
    const [rounds, seconds, warmUp] = [values.rounds, values.seconds, values['warm-up']].map(Number);
    const numbers =
      Number(rounds) > 0 && Number(seconds) > 0 && [rounds, seconds, warmUp].every(Number.isInteger);
    if (chosen.length < names.length || !numbers) return undefined;
    return { rounds: rounds ?? 1, seconds: seconds ?? 1, warmUp: warmUp ?? 0, chosen, out: values.out };
  } catch {
    return undefined;
  }
}

type Measured = { contender: Contender; running: Running; served: number; rounds: Round[] };

/** Starts a contender and loads it until its code is compiled as well as it will be. */
async function warm(
  contender: Contender,
  upstream: Upstream,
  folder: string,
  warmUp: number,
): Promise<Measured> {
  const running = await contender.start(upstream, join(folder, contender.name));
  let served = 0;
  while (served < warmUp) served += (await load(running.port, 1)).requests;
  console.log(`${contender.name}: warm after ${served} requests`);
  return { contender, running, served, rounds: [] };
}

async function measure(one: Measured, seconds: number): Promise<Round> {
  const before = cpuSeconds(one.running.pid);
  const result = await load(one.running.port, seconds);
  if (result.requests === 0) throw new Error(`${one.contender.name}: invalid round: nothing was answered`);
  const cpu = ((cpuSeconds(one.running.pid) - before) * 1e6) / result.requests;
  one.served += result.requests;
  one.rounds.push({ ...result, cpu });
  return { ...result, cpu };
}

/**
 * Each contender in turn, and again, so that a slow minute of the machine falls on all of them. Those whose turn
 * it is not stay up and idle: a process that started anew for each round would mostly show its compiler.
 */
async function bench(options: Options, folder: string): Promise<void> {
  const { rounds, seconds } = options;
  const upstream = await startUpstream(join(folder, 'upstream'));
  const measured: Measured[] = [];
  for (const contender of options.chosen)
    measured.push(await warm(contender, upstream, folder, options.warmUp));

  for (let round = 1; round <= rounds; round += 1)
    for (const one of measured) {
      const { cpu, perSecond } = await measure(one, seconds);
      const figures = `${cpu.toFixed(1)} µs, ${perSecond.toFixed(0)} req/s`;
      console.log(`round ${round}/${rounds}  ${one.contender.name}: ${figures}`);
    }

  for (const { contender, running, served } of measured) {
    const wrong = await running.check?.(served);
    if (wrong !== undefined) throw new Error(`${contender.name}: invalid run: ${wrong}`);
    await running.stop();
  }
  await upstream.stop();

  const summaries = summarise(
    measured.map(({ contender: { name, about }, rounds }) => ({ name, about, rounds })),
  );
  console.log(`\n${table(summaries)}`);
  mkdirSync(dirname(options.out), { recursive: true });
  const report = describe(summaries, seconds, options.warmUp);
  writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nall rounds: ${options.out}`);
}

/** Resolves with the exit code: 1 for a wrong command line, 2 for what is missing or failed. */
async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(usage);
    return 1;
  }
  const lacking = missing(['taskset', 'wrk', 'nginx']);
  if (lacking.length > 0) {
    console.error(
      `bench: not installed: ${lacking.join(', ')} (Debian: apt-get install util-linux wrk nginx)`,
    );
    return 2;
  }
  if (availableParallelism() < 2) {
    console.error('bench: needs two cores, one for the proxy alone');
    return 2;
  }

  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-bench-'));
  // Whatever ends this process, nothing of it stays.
  process.once('exit', () => {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));

  try {
    await bench(options, folder);
    return 0;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
}

process.exit(await main(process.argv.slice(2)));
