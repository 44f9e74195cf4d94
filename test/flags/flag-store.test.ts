import t from 'tap';
import { flagStore } from '../../src/flags/flag-store.ts';

const features = { namespace: 'features' };
const nothing = () => {};

await t.test('the store keeps the contract of the SDK', async (t) => {
  const news: string[] = [];
  const store = flagStore({ taken: () => news.push('taken'), unreadable: () => news.push('unreadable') });
  const all = () => {
    let found: object = {};
    store.all(features, (items) => (found = items));
    return found;
  };
  const get = (key: string) => {
    let found: object | null | undefined;
    store.get(features, key, (item) => (found = item));
    return found;
  };
  const initialized = () => {
    let answer: boolean | undefined;
    store.initialized((filled) => (answer = filled));
    return answer;
  };

  t.equal(initialized(), false);
  t.same(all(), {});
  store.upsert(features, { key: 'early', version: 1 }, nothing);
  t.same(get('early'), { key: 'early', version: 1 });
  t.equal(initialized(), false, 'one item is no whole set');

  store.init(
    { features: { a: { version: 2 }, gone: { version: 1, deleted: true } }, segments: null },
    nothing,
  );
  t.equal(initialized(), true);
  t.same(all(), { a: { version: 2 } });
  t.equal(get('early'), null, 'a whole set replaces what was there');

  store.upsert(features, { key: 'a', version: 2, newer: true }, nothing);
  t.same(get('a'), { version: 2 }, 'the same version does not count');
  store.delete(features, 'a', 1, nothing);
  t.same(get('a'), { version: 2 }, 'nor does an older deletion');
  store.delete(features, 'a', 3, nothing);
  t.equal(get('a'), null);
  store.upsert(features, { key: 'a', version: 3 }, nothing);
  t.equal(get('a'), null, 'a tombstone has a version');
  store.upsert(features, { key: 'a', version: 4 }, nothing);
  t.same(get('a'), { key: 'a', version: 4 });
  t.equal(get('__proto__'), null);

  let done = false;
  for (const broken of [{}, { features: null }, { features: undefined }])
    store.init(broken, () => (done = true));
  t.equal(done, false);
  t.same(get('a'), { key: 'a', version: 4 }, 'data without flags changes nothing');
  t.same(news.slice(-3), ['unreadable', 'unreadable', 'unreadable']);
});
