import t, { type Test } from 'tap';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tripKind } from '../../src/guard/trip.ts';
import { readRecords } from '../../src/store/file-store.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { manualClock, second } from '../support/clock.ts';
import { until } from '../support/client.ts';
import { found, startTrips, startTripsIn } from '../support/trips.ts';

const flags = ['api', 'other'];

async function inFile(t: Test) {
  const file = join(t.testdir({ state: {} }), 'state', 'state.json');
  const clock = manualClock(10_000);
  return { file, clock, trips: await startTripsIn(t, file, clock, flags) };
}

const kept = async (file: string) => (await readRecords(file, tripKind)).get('api');

await t.test('a trip is in force before it is stored, and for its flag alone', async (t) => {
  const { file, trips } = await inFile(t);
  const one = found();
  t.equal(trips.tripped('api'), undefined);
  trips.trip(one);
  t.equal(trips.tripped('api'), one);
  t.match(trips.saved('api'), { saved: false, detail: 'in force on this proxy alone' });
  t.equal(trips.tripped('other'), undefined);
  trips.trip(found());
  t.equal(trips.tripped('api'), one, 'the first counts');
  await until(() => trips.saved('api').saved, 'stored');
  t.match(trips.saved('api'), { detail: 'kept in file' });
  t.match(await kept(file), { revision: 2, trip: one, watchedFrom: 10_000 });
  t.match(trips.state(), { healthy: true, detail: 'api tripped' });
  t.same(trips.told, [`api ${one.id}`]);
});

await t.test('nothing is written before there is something to keep', async (t) => {
  const { file, clock, trips } = await inFile(t);
  await clock.pass(60 * second);
  t.match(await trips.clear('api', ''), { ok: false, why: 'refused', detail: /no trip of api to clear/ });
  t.match(await trips.clear('nobody', ''), { ok: false, why: 'unknown', detail: /there are: api, other/ });
  t.notOk(existsSync(file));
  t.equal(trips.watchedFrom('api'), 10_000);
  t.equal(trips.watchedFrom('other'), 10_000);
  t.same([trips.state(), trips.log.lines], [{ healthy: true, detail: 'nothing tripped' }, []]);
});

await t.test('a restart finds the trip, until a person clears it', async (t) => {
  const { file, trips } = await inFile(t);
  const one = found();
  trips.trip(one);
  await trips.close();
  const clock = manualClock(50_000);
  const next = await startTripsIn(t, file, clock, flags);
  t.same(next.tripped('api'), one);
  t.same(next.told, [`api ${one.id}`], 'told at the start');
  t.match(next.log.said(/a trip is taken up/), [{ fields: { flag: 'api', id: one.id, why: /^v1 failed/ } }]);
  t.same(await next.clear('api', 'mended'), { ok: true });
  t.equal(next.tripped('api'), undefined);
  t.equal(next.watchedFrom('api'), 50_000, 'comparing begins anew');
  t.same(next.told, [`api ${one.id}`, 'api -']);
  t.match(next.log.said(/was cleared/), [{ fields: { flag: 'api', who: 'person', why: 'mended' } }]);
  t.match(await next.clear('api', ''), { ok: false, why: 'refused' });
  const last = await startTripsIn(t, file, clock, flags);
  t.equal(last.tripped('api'), undefined);
  t.equal(last.watchedFrom('api'), 50_000);
  t.same(last.told, []);
  const again = found();
  last.trip(again);
  await last.close();
  t.match(await kept(file), { revision: 4, trip: again });
});

await t.test('a trip is made after a clearing by a clock that was ahead', async (t) => {
  const { file, trips } = await inFile(t);
  trips.trip(found());
  t.same(await trips.clear('api', ''), { ok: true });
  const next = await startTripsIn(t, file, manualClock(5000));
  const again = found();
  next.trip(again);
  await next.close();
  t.match(await kept(file), { trip: again, history: [{}, {}, {}, { at: 10_000, verb: 'trip' }] });
});

await t.test('a file that cannot be written is tried each second, and said once', async (t) => {
  const { file, clock, trips } = await inFile(t);
  rmSync(join(file, '..'), { recursive: true });
  const one = found();
  trips.trip(one);
  await until(() => !trips.state().healthy, 'noticed');
  await clock.pass(5 * second);
  t.equal(trips.tripped('api'), one);
  t.match(trips.saved('api'), { saved: false, detail: /this proxy alone; .*cannot be written \(ENOENT\)/ });
  t.match(await trips.clear('api', ''), { ok: false, why: 'away', detail: /bring it back: .* \(ENOENT\)/ });
  t.equal(trips.tripped('api'), one);
  t.equal(trips.log.said(/trips stay as they are/).length, 1);
  mkdirSync(join(file, '..'));
  await clock.pass(second);
  await until(() => trips.saved('api').saved, 'stored');
  t.equal(trips.log.said(/can be used again/).length, 1);
  t.match(await kept(file), { trip: { id: one.id } });
  t.same(trips.told, [`api ${one.id}`]);
});

await t.test('a clearing that cannot be written changes nothing', async (t) => {
  const { file, trips } = await inFile(t);
  const one = found();
  trips.trip(one);
  await until(() => trips.saved('api').saved, 'stored');
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  mkdirSync(file);
  t.match(await trips.clear('api', ''), { ok: false, why: 'away', detail: /is not a file/ });
  t.equal(trips.tripped('api'), one);
  rmSync(file, { recursive: true });
  writeFileSync(file, text);
  t.same(await trips.clear('api', ''), { ok: true });
  t.same(trips.told, [`api ${one.id}`, 'api -']);
});

await t.test('a file that can be read and not written takes no clearing', async (t) => {
  const { file, clock, trips } = await inFile(t);
  trips.trip(found());
  await trips.close();
  // As long as a name may be: that of the temporary file beside it would be longer.
  const long = join(file, '..', 'x'.repeat(255));
  renameSync(file, long);
  const next = await startTripsIn(t, long, clock);
  t.match(await next.clear('api', ''), { ok: false, why: 'away', detail: /written \(ENAMETOOLONG\)/ });
  t.ok(next.tripped('api'));
  t.same(next.told.length, 1);
});

await t.test('a file that is spoiled is for its owner to mend, and left as it is', async (t) => {
  const { file, clock, trips } = await inFile(t);
  const one = found();
  trips.trip(one);
  await until(() => trips.saved('api').saved, 'stored');
  const text = readFileSync(file, 'utf8').replace(one.id, 'someone’s');
  writeFileSync(file, text);
  t.match(await trips.clear('api', ''), { ok: false, why: 'away', detail: /trips\.api\.trip\.id/ });
  const other = found({ flag: 'other' });
  trips.trip(other);
  await clock.pass(5 * second);
  t.equal(trips.tripped('api'), one, 'and what is in force stays');
  t.equal(trips.tripped('other'), other);
  t.equal(trips.log.said(/trips stay as they are/).length, 1);
  t.equal(readFileSync(file, 'utf8'), text);
  await t.rejects(startTripsIn(t, file, clock), {
    name: 'UserError',
    message: /left as it is: put it right/,
  });
});

await t.test('what could not be read back is in force, and not written', async (t) => {
  const { file, clock, trips } = await inFile(t);
  const strange = found({ requestIds: ['x'.repeat(200)] });
  trips.trip(strange);
  const other = found({ flag: 'other' });
  trips.trip(other);
  await clock.pass(5 * second);
  await until(() => trips.saved('other').saved, 'stored');
  t.equal(trips.tripped('api'), strange);
  t.match(trips.saved('api'), { saved: false, detail: /is no record/ });
  t.equal(trips.log.said(/trips stay as they are/).length, 1);
  t.match([...(await readRecords(file, tripKind)).keys()], ['other']);
});

await t.test('in memory a trip lasts as long as the proxy', async (t) => {
  const clock = manualClock();
  const trips = await startTrips(t, memoryStore(clock), clock);
  trips.trip(found());
  await clock.pass(0);
  t.match(trips.saved('api'), { saved: false, detail: 'kept in memory' });
  t.same(await trips.clear('api', ''), { ok: true });
  t.equal(trips.tripped('api'), undefined);
});
