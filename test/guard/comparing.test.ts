import t from 'tap';
import { second } from '../support/clock.ts';
import { startWatched } from '../support/watched.ts';

const divided = (percent: number) => () => ({ percent, contextKind: 'user' });

await t.test('a guard says whether there is something to compare', async (t) => {
  for (const [name, scheduled, comparing] of [
    ['where the flag divides', divided(50), true],
    ['where nobody is on v1', divided(0), false],
    ['where everybody is', divided(100), false],
    ['where the flag gives all the same', () => undefined, false],
  ] as const) {
    const { guard, clock } = await startWatched(t, { scheduled });
    await clock.pass(2 * second);
    t.equal(guard.list()[0]?.comparing, comparing, name);
  }
});
