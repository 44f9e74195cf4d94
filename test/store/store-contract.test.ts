import t, { type Test } from 'tap';
import { join } from 'node:path';
import { begin } from '../../src/rollout/configure.ts';
import { begun, cleared, tripKind } from '../../src/guard/trip.ts';
import { systemClock } from '../../src/clock.ts';
import { openStore } from '../../src/store/open-store.ts';
import { rolloutKind, type RolloutState } from '../../src/rollout/state.ts';
import { stampOf } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { apply } from '../../src/rollout/transitions.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { config } from '../support/rollout.ts';

/** Opens the same place again and again; each opening is a proxy's. */
type Place = () => Promise<Store>;

const places: Record<string, { skip: string | false; at: (t: Test) => Promise<Place> }> = {
  memory: {
    skip: false,
    at: async () => {
      const store = await openStore({ kept: 'memory' }, systemClock, [rolloutKind, tripKind]);
      return async () => store;
    },
  },
  file: {
    skip: false,
    at: async (t) => {
      const file = join(t.testdir(), 'state.json');
      return () => openStore({ kept: 'file', file }, systemClock, [rolloutKind, tripKind]);
    },
  },
  redis: {
    skip: skipWithoutRedis(),
    at: async (t) => {
      const url = new URL((await startRedis(t)).url);
      return () =>
        openStore({ kept: 'redis', url, prefix: 'contract' }, systemClock, [rolloutKind, tripKind]);
    },
  },
};

let nonce = 0;
const hex = () => String((nonce += 1)).padStart(8, '0');
const at = () => ({ now: Date.now(), lead: 0, who: 'person' as const, why: 'contract', nonce: hex() });
const fresh = (flag: string) => begin(flag, config(), 'salt', at());
const next = (state: RolloutState) => apply(state, 'extend', at()) as RolloutState;

for (const [name, { skip, at: opened }] of Object.entries(places))
  await t.test(`the contract of stores: ${name}`, { skip }, async (t) => {
    const place = await opened(t);
    const open = async (t: Test) => {
      const store = await place();
      t.teardown(() => store.close());
      return store;
    };

    await t.test('what is not there is null, what was written is read back whole', async (t) => {
      const store = await open(t);
      t.equal(store.kept, name);
      t.same(await store.read(rolloutKind, new Map([['new', '']])), new Map([['new', null]]));
      const state = fresh('new');
      t.equal(await store.write(rolloutKind, state, ''), true);
      t.same(await store.read(rolloutKind, new Map([['new', '']])), new Map([['new', state]]));
      t.same(
        await (await open(t)).read(rolloutKind, new Map([['new', '']])),
        new Map([['new', state]]),
        'by another, too',
      );
    });

    await t.test('a state is told only to whoever does not know it', async (t) => {
      const store = await open(t);
      const [a, b] = [fresh('a'), fresh('b')];
      await store.write(rolloutKind, a, '');
      await store.write(rolloutKind, b, '');
      const asked = new Map([
        ['a', stampOf(a)],
        ['b', '7.00000000'],
        ['c', '1.00000000'],
      ]);
      t.same(
        await store.read(rolloutKind, asked),
        new Map([
          ['b', b],
          ['c', null],
        ]),
      );
    });

    await t.test('a write on another state than expected changes nothing', async (t) => {
      const store = await open(t);
      const first = fresh('cas');
      const second = next(first);
      t.equal(await store.write(rolloutKind, second, stampOf(first)), false, 'there is none yet');
      await store.write(rolloutKind, first, '');
      t.equal(await store.write(rolloutKind, second, ''), false);
      t.equal(
        await store.write(rolloutKind, second, `${first.revision}.ffffffff`),
        false,
        'the same revision by somebody else',
      );
      t.same(await store.read(rolloutKind, new Map([['cas', '']])), new Map([['cas', first]]));
      t.equal(await store.write(rolloutKind, second, stampOf(first)), true);
      t.equal(await store.write(rolloutKind, second, stampOf(first)), false);
    });

    await t.test('of many writers one wins each revision', async (t) => {
      const stores = await Promise.all([1, 2, 3].map(() => open(t)));
      let state = fresh('race');
      await stores[0]?.write(rolloutKind, state, '');
      for (let round = 0; round < 10; round += 1) {
        const candidates = stores.map(() => next(state));
        const won = [];
        // A file is one proxy's: its writes come one after the other.
        if (name === 'file')
          for (const [i, store] of stores.entries())
            won.push(await store.write(rolloutKind, candidates[i] as RolloutState, stampOf(state)));
        else
          won.push(
            ...(await Promise.all(
              stores.map((store, i) =>
                store.write(rolloutKind, candidates[i] as RolloutState, stampOf(state)),
              ),
            )),
          );
        t.equal(won.filter(Boolean).length, 1);
        state = candidates[won.indexOf(true)] as RolloutState;
        t.same((await stores[0]?.read(rolloutKind, new Map([['race', '']])))?.get('race'), state);
      }
    });

    await t.test('records of two kinds are kept beside each other for one flag', async (t) => {
      const store = await open(t);
      const state = fresh('both');
      const trip = begun('both', Date.now(), hex());
      const asked = new Map([['both', '']]);
      t.equal(await store.write(rolloutKind, state, ''), true);
      t.same(await store.read(tripKind, asked), new Map([['both', null]]));
      t.equal(await store.write(tripKind, trip, stampOf(state)), false, 'one has no word on the other');
      t.equal(await store.write(tripKind, trip, ''), true);
      const later = cleared(trip, '', Date.now(), hex());
      t.equal(await store.write(tripKind, later, stampOf(trip)), true);
      const other = await open(t);
      t.same(await other.read(rolloutKind, asked), new Map([['both', state]]));
      t.same(await other.read(tripKind, asked), new Map([['both', later]]));
      t.equal(await other.write(rolloutKind, next(state), stampOf(state)), true);
      t.same(
        await store.read(tripKind, new Map([['both', stampOf(later)]])),
        new Map(),
        'and is not changed',
      );
    });

    await t.test('its clock is near ours', async (t) => {
      const store = await open(t);
      await store.read(rolloutKind, new Map([['x', '']]));
      t.ok(Math.abs(store.now() - Date.now()) < 1000);
    });
  });
