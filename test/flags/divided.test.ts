import t from 'tap';
import { dividedBy } from '../../src/flags/divided.ts';
import type { FlagData } from '../../src/flags/provider.ts';
import { percentFlag } from '../support/flags.ts';

/** As LaunchDarkly's stream may bring it: nothing of it is checked. */
const flagWith = (more: object) => ({ ...percentFlag('facts', 25), ...more }) as unknown as FlagData;
const rolloutOf = (variations: unknown) => flagWith({ fallthrough: { rollout: { variations } } });

await t.test('a flag divides by the weights of what is not the control', async (t) => {
  t.same(dividedBy(flagWith({}), '0'), { percent: 25, contextKind: 'user' });
  t.same(dividedBy(flagWith({}), '1'), { percent: 75, contextKind: 'user' });
  t.equal(dividedBy(flagWith({ on: false }), '0'), undefined);
  t.equal(dividedBy(flagWith({ fallthrough: { variation: 1 } }), '0'), undefined);
});

await t.test('a malformed flag divides nobody, and ends nothing', async (t) => {
  for (const malformed of [
    flagWith({ fallthrough: { rollout: {} } }),
    flagWith({ fallthrough: { rollout: null } }),
    flagWith({ fallthrough: null }),
    rolloutOf({ length: 2 }),
    rolloutOf([]),
    rolloutOf([null]),
    rolloutOf([{ variation: 0 }]),
    rolloutOf([{ variation: 0, weight: '50000' }]),
    rolloutOf([
      { variation: 0, weight: -1 },
      { variation: 1, weight: 2 },
    ]),
  ])
    t.equal(dividedBy(malformed, '0'), undefined, JSON.stringify(malformed.fallthrough));
});
