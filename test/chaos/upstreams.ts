import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../../src/guard/simulate.ts';
import { startBeside } from '../support/beside.ts';
import { residentMegabytes } from '../support/command.ts';
import { startHolding, ways } from '../support/leavers.ts';
import { moods, startMoody, type Mood } from '../support/moody-upstream.ts';
import { endless, startSlowReaders } from '../support/slow-readers.ts';
import { startUpstream } from '../support/upstream.ts';
import { must, type Fault } from './fault.ts';

const deadlines = 'connectTimeout: 1s, responseTimeout: 1s, idleTimeout: 1s';

/** Memory is flat when it has grown by no more than that since the first third of the time, in MB. */
const flat = 30;

/** One ailment after another, as chance has it. */
export const ailing: Fault = {
  name: 'an upstream that ails in every way, in turn',
  async run(trial) {
    const random = seeded(trial.seed);
    const upstream = await startMoody(trial);
    const proxy = await startBeside(trial, upstream.url, { upstream: deadlines });
    const all: Mood[] = ['refuses', ...moods];
    const ends = new Map<string, number>();
    const ask = async () => {
      while (!trial.isOver()) {
        const { status, cut } = await proxy.sick();
        const end = status === 200 && cut ? 'cut' : `${status}`;
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }
    };
    const turn = async () => {
      while (!trial.isOver()) {
        await upstream.becomes(all[Math.floor(random() * all.length)] ?? 'well');
        await delay(200 + random() * 1500);
      }
    };
    const { unserved, served, slowest } = await proxy.meanwhile(() =>
      Promise.all([turn(), ...Array.from({ length: 50 }, ask)]),
    );
    must(unserved.length === 0, `${unserved.length} requests of another route were not served`);
    await upstream.becomes('well');
    must((await proxy.sick()).status === 200, 'it does not serve from an upstream that is well again');
    await proxy.settled();
    const strange = [...ends.keys()].filter((end) => !['200', 'cut', '502', '504'].includes(end));
    must(strange.length === 0, `answered ${strange.join(', ')}`);
    must(proxy.child.exitCode === null, 'it has ended');
    const told = [...ends].map(([end, count]) => `${count} × ${end}`).join(', ');
    return `${told}; ${served} of another route served, in ${slowest.toFixed(0)} ms at the most`;
  },
};

export const storms: Fault = {
  name: 'storms of a thousand disconnects',
  async run(trial) {
    const crowd = 1000;
    const upstream = await startHolding(trial);
    const settings = { upstream: `maxConnections: ${crowd}, connectTimeout: 20s` };
    const proxy = await startBeside(trial, upstream.url, settings);
    const took: number[] = [];
    const memory: number[] = [];
    for (const both = Object.values(ways); !trial.isOver() || took.length < 2;) {
      const leave = both[took.length % 2] ?? ways.close;
      const clients = await upstream.gather(proxy.port, crowd);
      const { result, unserved } = await proxy.meanwhile(() => upstream.scatter(clients, leave));
      must(unserved.length === 0, `${unserved.length} requests of another route were not served`);
      must(result < 2000, `upstream connections were gone after ${result.toFixed(0)} ms, not within 2 s`);
      took.push(result);
      memory.push(residentMegabytes(proxy.child.pid));
    }
    await proxy.settled();
    return `${took.length} storms, all gone within ${Math.max(...took).toFixed(0)} ms; ${trend(memory)}`;
  },
};

export const readers: Fault = {
  name: 'a hundred slow readers of endless bodies',
  async run(trial) {
    const upstream = await startUpstream(trial, endless);
    const proxy = await startBeside(trial, upstream.url);
    const clients = startSlowReaders(trial, proxy.port, 100);
    const memory: number[] = [];
    const { unserved } = await proxy.meanwhile(async () => {
      while (!trial.isOver() || memory.length < 9) {
        await delay(1000);
        memory.push(residentMegabytes(proxy.child.pid));
      }
    });
    must(unserved.length === 0, `${unserved.length} requests of another route were not served`);
    await clients.stop();
    await proxy.settled();
    return `${clients.mebibytes().toFixed(0)} MiB read; ${trend(memory)}`;
  },
};

/** Fails when memory went on growing; the first third is for it to warm up. */
function trend(memory: readonly number[]): string {
  const warm = memory.slice(0, Math.ceil(memory.length / 3));
  const [from, to] = [Math.max(...warm), Math.max(...memory.slice(-3))];
  const text = `memory ${from.toFixed(0)}, then ${to.toFixed(0)} MB`;
  must(to - from < flat, `not flat: ${text}`);
  return text;
}
