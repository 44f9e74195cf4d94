import * as fc from 'fast-check';
import type { Test } from 'tap';
import { until } from '../support/client.ts';
import { upstreamScript } from './answers.ts';
import { judge } from './judge.ts';
import { clientScript } from './requests.ts';
import { startWorld, type Case, type World } from './world.ts';

export type FuzzOptions = {
  seed: number;
  runs: number;
  /** Told of each case; true ends the fuzzing. */
  isOver?: (cases: number) => boolean;
};

/** Cases with one seed; the next ones have the next. An end is heeded between them. */
const batch = 1000;

/** Cases between two looks at whether the proxy still serves. */
const lookEvery = 50;

/** Runs cases until one fails. Gives the report of the smallest that does, or nothing. */
export async function fuzz(
  t: Pick<Test, 'teardown'>,
  { seed, runs, isOver = () => false }: FuzzOptions,
): Promise<string | undefined> {
  const world = await startWorld(t);
  let cases = 0;
  const property = fc.asyncProperty(clientScript, upstreamScript, async (client, upstream) => {
    if (isOver(cases)) return;
    cases += 1;
    await runOne(world, { client, upstream });
    if (cases % lookEvery === 0) await stillServes(world);
  });
  for (let from = 0; from < runs && !isOver(cases); from += batch) {
    const details = await fc.check(property, {
      seed: seed + from / batch,
      numRuns: Math.min(batch, runs - from),
    });
    if (details.failed)
      return `${String(details.errorInstance)}\n${await fc.asyncDefaultReportMessage(details)}`;
  }
  await nothingLeft(world);
  return undefined;
}

/** A machine that stalls lets deadlines pass that nobody missed, so what failed slowly must fail again. */
async function runOne(world: World, one: Case): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const seen = await world.run(one);
    try {
      return await judge(seen, world.upstreamHost);
    } catch (error) {
      if (seen.hung || seen.milliseconds < 250 || attempt === 3) throw error;
    }
  }
}

const plain: Case = {
  client: { bytes: '', followed: true, splits: [] },
  upstream: { bytes: '', splits: [], start: 'complete', afterwards: 'keep' },
};

async function stillServes(world: World): Promise<void> {
  const seen = await world.run(plain);
  await judge(seen, world.upstreamHost);
  if (!/^HTTP\/1\.1 200 OK\r\n[^]*\r\nplain c/.test(seen.received)) throw new Error('it no longer serves');
}

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

/** All connections of clients are gone, and those to the upstream, once the proxy stops. */
async function nothingLeft({ proxy, upstreamSockets }: World): Promise<void> {
  await until(
    () => openSockets() === 2 * upstreamSockets.size,
    'only idle connections to the upstream are left',
  );
  await proxy.stop();
  await until(() => upstreamSockets.size === 0, 'no connection is left');
  if (/failed on our side/.test(proxy.logText())) throw new Error(`a fault of the proxy: ${proxy.logText()}`);
}
