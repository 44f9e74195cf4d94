import t from 'tap';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { packageFile } from '../../src/package.ts';
import { mainThreadMs, residentMegabytes, startRun } from '../support/command.ts';
import { evenFlags } from '../support/proxy.ts';

const starts = 5;
/** Milliseconds, megabytes. */
const budget = { start: 500, memory: 90 };
/** Milliseconds without a request, after which memory is looked at. */
const idle = 2000;

/** The configuration that shows every key, with flags of its own, a rollout under way, a guard, and the admin port. */
const shown = readFileSync(packageFile('config/trenchcoat.yaml'), 'utf8')
  .replace('address: 0.0.0.0:8080', 'address: 127.0.0.1:0')
  .replace('address: 127.0.0.1:9901', 'address: 127.0.0.1:0')
  .replace('# file: flags.yaml', 'file: flags.yaml')
  .replace('start: manual', 'start: auto')
  .replace('file:trenchcoat-state.json', 'memory');

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const rounded = (values: readonly number[]) => values.map((value) => Math.round(value)).join(', ');

/**
 * How long a start takes depends on who else wants the processors, which on a test machine is everybody. So what is held is the
 * time for which its main thread had one: with a processor to itself a start takes that and a little more.
 */
await t.test(
  `A sidecar is there at once and small: ${budget.start} ms, ${budget.memory} MB`,
  { skip: platform() !== 'linux' && 'Linux alone tells what a process takes' },
  async (t) => {
    const folder = t.testdir({ 'trenchcoat.yaml': shown, 'flags.yaml': evenFlags });
    const children = [];
    const took: number[] = [];
    const ran: number[] = [];
    for (let started = 0; started < starts; started += 1) {
      const from = performance.now();
      const { child } = await startRun(t, join(folder, 'trenchcoat.yaml'));
      took.push(performance.now() - from);
      ran.push(mainThreadMs(child.pid));
      children.push(child);
    }
    await delay(idle);
    const resident = children.map(({ pid }) => residentMegabytes(pid));

    const figures = [
      `Node ${process.version}`,
      `ready after ${rounded(took)} ms`,
      `of which the main thread ran ${rounded(ran)} ms`,
      `resident ${rounded(resident)} MB`,
    ].join('; ');
    t.comment(figures);
    t.ok(median(ran) <= budget.start, `a start runs no longer than ${budget.start} ms: ${figures}`);
    t.ok(median(resident) <= budget.memory, `idle it takes no more than ${budget.memory} MB: ${figures}`);
  },
);
