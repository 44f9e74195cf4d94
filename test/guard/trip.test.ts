import t from 'tap';
import {
  agreed,
  begun,
  cleared,
  outranks,
  tripped,
  tripState,
  type TripState,
} from '../../src/guard/trip.ts';
import { found } from '../support/trips.ts';

let drawn = 0;
const nonce = () => (drawn += 1).toString(16).padStart(8, '0');
const start = () => begun('api', 1000, nonce());
const trip = (at: number, knew = 1) => ({ regression: found(), at, knew });
const trippedAt = (at: number, state = start()) => tripped(state, trip(at, state.revision), nonce());
const verbs = ({ history }: TripState) => history.map(({ at, who, verb }) => `${at} ${who} ${verb}`);

await t.test('a flag is watched, trips, and is cleared by a person', async (t) => {
  const state = cleared(trippedAt(2000.4), 'mended', 3000.6, nonce());
  t.match(state, { flag: 'api', revision: 3, watchedFrom: 3001, trip: null });
  t.same(verbs(state), ['1000 guard begin', '2000 guard trip', '3001 person clear']);
  t.match(state.history[1]?.why, /^v1 failed 38 of 412 users/);
  t.equal(state.history[2]?.why, 'mended');
});

await t.test('only the first trip counts until it is cleared', async (t) => {
  const state = trippedAt(2000);
  t.equal(tripped(state, trip(3000, 2), nonce()), state);
  const again = trippedAt(4000, cleared(state, '', 3000, nonce()));
  t.equal(again.revision, 4);
  t.not(again.trip?.id, state.trip?.id);
});

await t.test('a history keeps what is latest, in sentences of a bounded length', async (t) => {
  let state = start();
  for (let round = 1; round <= 40; round += 1)
    state = cleared(trippedAt(round, state), 'x'.repeat(600), round, nonce());
  t.equal(state.history.length, 50);
  t.equal(state.history.at(-1)?.why.length, 500);
  t.ok(tripState.safeParse(state).success);
});

await t.test('a record is taken whole and strictly, or not at all', async (t) => {
  const state = trippedAt(2000);
  t.same(tripState.parse(JSON.parse(JSON.stringify(state))), state);
  const strange: Record<string, object> = {
    'another key': { more: 1 },
    'a trip of another flag': { trip: found({ flag: 'other' }) },
    'a trip with a number that is none': { trip: { ...found(), percent: 'NaN' } },
    'no history': { history: [] },
    'a revision before the first': { revision: 0 },
    'a moment before 1970': { watchedFrom: -1 },
    'an unknown verb': { history: [{ at: 1, who: 'guard', verb: 'explode', why: '' }] },
  };
  for (const [what, part] of Object.entries(strange))
    t.notOk(tripState.safeParse({ ...state, ...part }).success, what);
});

await t.test(
  'a trip that came before a clearing elsewhere is overruled, one that came after it is not',
  async (t) => {
    const here = start();
    const elsewhere = cleared(trippedAt(2000, here), '', 3000, nonce());
    t.equal(agreed(here, elsewhere, trip(1999), nonce), elsewhere);
    t.equal(agreed(here, elsewhere, trip(3000.9), nonce), elsewhere, 'in the same millisecond');
    const late = trip(3001);
    t.match(agreed(here, elsewhere, late, nonce), { revision: 4, trip: { id: late.regression.id } });
    const knowing = trip(2500, 3);
    t.match(
      agreed(elsewhere, elsewhere, knowing, nonce),
      { revision: 4, trip: { id: knowing.regression.id }, history: [{}, {}, {}, { at: 3000 }] },
      'on a clock that went back, a clearing that was known does not count',
    );
  },
);

await t.test('a beginning elsewhere overrules nothing', async (t) => {
  const early = trip(10, 0);
  t.match(agreed(undefined, start(), early, nonce), { revision: 2, trip: { id: early.regression.id } });
});

await t.test('the trip of another proxy is the first when it is stored first', async (t) => {
  const here = start();
  const elsewhere = trippedAt(3000, here);
  t.equal(agreed(here, elsewhere, trip(2000), nonce), elsewhere);
});

await t.test('a store that forgot a clearing is told of it, one that forgot a trip, too', async (t) => {
  const first = start();
  const second = trippedAt(2000, first);
  const third = cleared(second, '', 3000, nonce());
  t.equal(agreed(third, second, undefined, nonce), third);
  t.equal(agreed(second, first, undefined, nonce), second);
  t.equal(agreed(second, undefined, undefined, nonce), second);
  t.equal(agreed(undefined, undefined, trip(1), nonce), undefined, 'nobody has begun');
});

await t.test('a trip is not lost to a later revision of somebody who did not know of it', async (t) => {
  const first = start();
  const third = cleared(trippedAt(2000, first), '', 3000, nonce());
  // Redis came back with the first revision, and somebody tripped on it.
  const apart = trippedAt(4000, first);
  for (const both of [agreed(third, apart, undefined, nonce), agreed(apart, third, undefined, nonce)])
    t.match(both, { revision: 4, trip: { id: apart.trip?.id }, watchedFrom: 3000 });
  const before = trippedAt(2500, first);
  t.equal(agreed(before, third, undefined, nonce), third, 'unless a person has cleared the flag since');
});

await t.test('a clearing is after what it clears, even on a clock that went back', async (t) => {
  const second = trippedAt(5000);
  const third = cleared(second, '', 4000, nonce());
  t.equal(agreed(second, third, undefined, nonce), third);
  t.equal(agreed(third, second, undefined, nonce), third);
});

await t.test('of two records made apart everybody keeps the same', async (t) => {
  const [older, newer] = [begun('api', 1000, nonce()), begun('api', 2000, nonce())];
  const twin = { ...older, nonce: 'ffffffff' };
  const pairs: [TripState, TripState][] = [
    [trippedAt(9000, older), newer],
    [older, newer],
    [twin, older],
    [trippedAt(2000, older), trippedAt(3000, newer)],
    [{ ...newer, trip: found() }, older],
  ];
  for (const [kept, other] of pairs) {
    t.ok(outranks(kept, other));
    t.notOk(outranks(other, kept));
  }
});
