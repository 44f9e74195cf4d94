import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned } from '../support/self-signed.ts';
import { allocatedSince, endOf } from './allocation.ts';
import { startNode } from './contenders/node.ts';
import { startUpstream } from './contenders/native.ts';
import { everythingOn, type Contender, type Running, type Surroundings } from './contenders.ts';
import { cpuSeconds } from './cpu.ts';
import { asMuchAsPossible, type Driver } from './load.ts';
import { contenderProgram } from './place.ts';
import { profileText, profiling, summarise } from './profile.ts';
import { cores } from './programs.ts';
import { summaryOf, table, type Measured, type Round } from './report.ts';
import { bodies, type Scenario } from './scenarios.ts';

export type Measuring = { rounds: number; seconds: number; warmUp: number; node: string };

type One = { contender: Contender; running: Running; served: number; rounds: Round[] };

/**
 * Each contender in turn, and again, so that a slow minute of the machine falls on all of them. Those whose turn
 * it is not stay up and idle: a process that started anew for each round would mostly show its compiler.
 */
export async function measure(scenario: Scenario, how: Measuring, folder: string): Promise<Measured> {
  const { name, about, driver, warming = driver, nodeFlags = [] } = scenario;
  console.log(`\n${name}: ${about}`);
  const upstream = await (scenario.upstream === 'echoes' ? startEcho : startAnswers)(
    join(folder, 'upstream'),
    how.node,
  );
  const certificate = scenario.tls === true ? writeCertificate(folder) : undefined;
  const around = { upstream, node: how.node, nodeFlags, certificate };
  const all: One[] = [];
  for (const contender of contendersOn(how.node, scenario.contenders)) {
    const running = await contender.start({ ...around, folder: join(folder, contender.name) });
    all.push({ contender, running, served: await warm(running, warming, how.warmUp), rounds: [] });
    console.log(`${contender.name}: warm after ${all.at(-1)?.served} requests`);
  }

  for (let round = 1; round <= how.rounds; round += 1)
    for (const one of all) {
      const { cpu, perSecond } = await measureOnce(one, scenario, how.seconds);
      const figures = `${cpu.toFixed(1)} µs, ${perSecond.toFixed(0)} req/s`;
      console.log(`round ${round}/${how.rounds}  ${one.contender.name}: ${figures}`);
    }

  for (const { contender, running, served } of all) {
    // What is counted of tunnels is not what goes through them.
    const wrong = scenario.upstream === 'echoes' ? undefined : await running.check?.(served);
    if (wrong !== undefined) throw new Error(`${contender.name}: invalid run: ${wrong}`);
    await running.stop();
  }
  await upstream.stop();
  const contenders = all.map(({ contender, rounds }) => summaryOf(contender.name, contender.about, rounds));
  console.log(`\n${table(contenders, scenario.figures)}`);
  return { scenario: name, about, contenders };
}

/** Loads a contender until its code is compiled as well as it will be. Gives how many requests it took. */
async function warm({ port }: Running, driver: Driver, warmUp: number): Promise<number> {
  let served = 0;
  while (served < warmUp) served += (await driver(port, 1)).requests;
  return served;
}

async function measureOnce(one: One, { driver, nodeFlags }: Scenario, seconds: number): Promise<Round> {
  const { contender, running } = one;
  const log = nodeFlags === undefined ? undefined : running.log;
  const before = cpuSeconds(running.pid);
  const from = log === undefined ? 0 : endOf(log);
  const load = await driver(running.port, seconds);
  if (load.requests === 0) throw new Error(`${contender.name}: invalid round: nothing was answered`);
  const cpu = ((cpuSeconds(running.pid) - before) * 1e6) / load.requests;
  const allocated = log === undefined ? undefined : allocatedSince(log, from) / load.requests;
  one.served += load.requests;
  const round = { ...load, cpu, allocated };
  one.rounds.push(round);
  return round;
}

/** What ours does with its time; the profile goes to `file`. */
export async function profile(
  { node, seconds, warmUp }: Measuring,
  folder: string,
  file: string,
): Promise<void> {
  console.log("\nprofile: what ours does with its time, in V8's words");
  const upstream = await startAnswers(join(folder, 'upstream'));
  const running = await everythingOn.start({
    upstream,
    folder: join(folder, 'profiled'),
    node,
    nodeFlags: profiling(file),
    certificate: undefined,
  });
  const driver = asMuchAsPossible();
  await warm(running, driver, warmUp);
  await driver(running.port, seconds);
  await running.stop();
  await upstream.stop();
  console.log(`\n${profileText(summarise(file, seconds))}`);
}

function contendersOn(node: string, contenders: readonly Contender[]): Contender[] {
  const major = majorOf(node);
  const [able, unable] = [[] as Contender[], [] as Contender[]];
  for (const contender of contenders) (major >= (contender.since ?? 0) ? able : unable).push(contender);
  for (const { name, since } of unable) console.log(`${name}: left out, it needs Node ${since}`);
  return able;
}

export const versionOf = (node: string): string =>
  execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();

const majorOf = (node: string): number => Number(/\d+/.exec(versionOf(node))?.[0]);

async function startAnswers(folder: string) {
  mkdirSync(folder, { recursive: true });
  for (const [name, size] of Object.entries(bodies)) writeFileSync(join(folder, name), 'b'.repeat(size));
  return startUpstream(folder);
}

async function startEcho(folder: string, node: string) {
  const around: Pick<Surroundings, 'folder' | 'node' | 'nodeFlags'> = { folder, node, nodeFlags: [] };
  const { port, pid, stop } = await startNode([contenderProgram('echo-server')], around, cores.load);
  return { v0: port, v1: port, pid, stop };
}

/** Gives the folder. */
function writeCertificate(folder: string): string {
  const { cert, key } = selfSigned;
  writeFileSync(join(folder, 'cert.pem'), `${cert}\n`);
  writeFileSync(join(folder, 'key.pem'), `${key}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'both.pem'), `${cert}\n${key}\n`, { mode: 0o600 });
  return folder;
}
