import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { peers } from './contenders.ts';
import { measure, profile, versionOf } from './measure.ts';
import { readOptions, usage, type Options } from './options.ts';
import { preparePeers } from './peers.ts';
import { cores, killAll, missing } from './programs.ts';
import { describe, type Measured } from './report.ts';

async function bench(options: Options, folder: string): Promise<void> {
  // What runs in this process must not disturb the proxy.
  execFileSync('taskset', ['-a', '-p', '-c', String(cores.load), String(process.pid)], { stdio: 'ignore' });
  const measured: Measured[] = [];
  for (const scenario of options.chosen)
    measured.push(await measure(scenario, options, folderIn(folder, scenario.name)));
  if (options.profile) {
    const file = join(dirname(options.out), 'ours.cpuprofile');
    await profile(options, folderIn(folder, 'profile'), file);
    console.log(`\nfor a browser's developer tools: ${file}`);
  }
  if (measured.length === 0) return;
  const { node, seconds, warmUp, out } = options;
  mkdirSync(dirname(out), { recursive: true });
  const report = describe({ node: versionOf(node), seconds, warmUp, measured });
  writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nall rounds: ${out}`);
}

function folderIn(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

/** Those that will take part. */
const takePart = ({ chosen }: Options): Set<string> =>
  new Set(chosen.flatMap(({ contenders }) => contenders.map(({ name }) => name)));

/** Resolves with the exit code: 1 for a wrong command line, 2 for what is missing or failed. */
async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined || options === 'help') {
    (options === 'help' ? console.log : console.error)(usage);
    return options === 'help' ? 0 : 1;
  }
  const names = takePart(options);
  const lacking = missing(['taskset', 'wrk', 'nginx', ...(names.has('haproxy') ? ['haproxy'] : [])]);
  if (lacking.length > 0) {
    console.error(
      `bench: not installed: ${lacking.join(', ')} (Debian: apt-get install util-linux wrk nginx haproxy)`,
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
    if (peers.some(({ name }) => names.has(name))) preparePeers();
    await bench(options, folder);
    return 0;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
}

process.exit(await main(process.argv.slice(2)));
