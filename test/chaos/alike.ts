import { oddsText } from '../../src/telemetry/regression.ts';
import { startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';
import { must, type Fault } from './fault.ts';
import { weather } from './weather.ts';

/**
 * A v1 that is no worse than v0, through all that strikes both: clients who hang up, restarts, bursts of failures. The
 * guard has to leave it alone.
 */
export const alike: Fault = {
  name: 'hang-ups, restarts and bursts of failures, in both versions alike',
  async run(trial) {
    const { seconds, seed, rate } = trial;
    const sky = weather(seed);
    const { proxy, v0, v1, ...shown } = await startGuarded(trial, {
      v0: sky.answer,
      v1: sky.answer,
      stage: `${Math.ceil(seconds / 2)}s`,
      keys: 'log: { access: false }',
    });
    await shown.watching();
    sky.over([v0, v1], (what) => trial.tell(what));
    const client = steadyClient(trial, [proxy.port], { rate, leaves: sky.leaves });

    const most = new Map<string, number>();
    const evidence = () => [...most].map(([signal, log]) => `${signal} ${oddsText(log)}`).join(', ');
    let tripped: string | undefined;
    for (let looks = 1; !trial.isOver() && tripped === undefined; looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const { trip, seen, signals } = await shown.guard();
      tripped = trip?.words;
      for (const { signal, evidence } of signals)
        most.set(signal, Math.max(most.get(signal) ?? -Infinity, evidence));
      if (looks % 40 > 0) continue;
      const { percent } = await shown.rollout();
      const sides = [seen.control, seen.treatment].map(
        ({ version, units, failed }) => `v${version} failed ${failed} of ${units} users`,
      );
      trial.tell(
        `${client.asked.length} requests, v1 at ${percent} %: ${sides.join(', ')}; evidence ${evidence()}`,
      );
    }
    sky.clear();
    await client.stop();
    must(tripped === undefined, `false alarm: ${tripped}`);
    const left = client.asked.filter(({ status }) => status === 0).length;
    return `v1 was left alone; ${client.asked.length} requests, ${left} left before the head, most evidence ${evidence()}`;
  },
};
