import t from 'tap';
import net, { type LookupFunction } from 'node:net';
import { once } from 'node:events';
import { createResolver } from '../../src/upstream/resolve.ts';

type Address = { address: string; family: number };
const four = { address: '192.0.2.1', family: 4 };
const six = { address: '2001:db8::1', family: 6 };

/** A resolver with a clock and a name service of the test's own. */
function resolver() {
  const state = { now: 0, asked: [] as string[] };
  const pending: ((error: NodeJS.ErrnoException | null, addresses: Address[]) => void)[] = [];
  const lookup = createResolver(
    () => state.now,
    (name, settled) => {
      state.asked.push(name);
      pending.push(settled);
    },
  );
  return {
    state,
    lookup,
    /** Answers the oldest question. */
    answer: (addresses: Address[], code?: string) =>
      pending.shift()?.(code === undefined ? null : Object.assign(new Error(code), { code }), addresses),
  };
}

/** An error's code, or all addresses. */
const ask = (lookup: LookupFunction, name: string, family: 0 | 4 | 6 = 0) =>
  new Promise<unknown>((resolve) =>
    lookup(name, { all: true, family }, (error, found) => resolve(error === null ? found : error.code)),
  );

await t.test('an answer is good for ten seconds', async (t) => {
  const { state, lookup, answer } = resolver();
  const first = ask(lookup, 'api.test');
  answer([four]);
  t.same(await first, [four]);
  state.now = 9999;
  t.same(await ask(lookup, 'api.test'), [four]);
  t.equal(state.asked.length, 1);
  state.now = 10_000;
  const later = ask(lookup, 'api.test');
  answer([six]);
  t.same(await later, [six], 'then it is asked for again');
});

await t.test('one question at a time for a name, whose answer is for all who wait', async (t) => {
  const { state, lookup, answer } = resolver();
  const waiting = [ask(lookup, 'a.test'), ask(lookup, 'a.test'), ask(lookup, 'b.test')];
  t.same(state.asked, ['a.test', 'b.test']);
  answer([four]);
  answer([six]);
  t.same(await Promise.all(waiting), [[four], [four], [six]]);
});

await t.test('while a name cannot be looked up, its last answer stands', async (t) => {
  const { state, lookup, answer } = resolver();
  const first = ask(lookup, 'api.test');
  answer([], 'EAI_AGAIN');
  t.equal(await first, 'EAI_AGAIN', 'there is none yet');
  const second = ask(lookup, 'api.test');
  answer([four]);
  t.same(await second, [four], 'a failure is not kept');
  state.now = 20_000;
  const third = ask(lookup, 'api.test');
  answer([], 'EAI_AGAIN');
  t.same(await third, [four]);
  t.same(await ask(lookup, 'api.test'), [four]);
  t.equal(state.asked.length, 3, 'for another ten seconds');
});

await t.test('a family is chosen among the addresses', async (t) => {
  const { lookup, answer } = resolver();
  const both = ask(lookup, 'api.test');
  answer([six, four]);
  t.same(await both, [six, four], 'in the order they came');
  t.same(await ask(lookup, 'api.test', 4), [four]);
  t.same(await ask(lookup, 'api.test', 6), [six]);
  const one = await new Promise((resolve) =>
    lookup('api.test', {}, (_error, address, family) => resolve({ address, family })),
  );
  t.same(one, six);
});

// Given an empty list, Node's own connecting throws in a callback that nobody can guard, and the process ends.
await t.test('no address, or none of the family, is a name that cannot be found', async (t) => {
  const { lookup, answer } = resolver();
  const none = ask(lookup, 'empty.test');
  answer([]);
  t.equal(await none, 'ENOTFOUND');
  const socket = net.connect({ host: 'late.test', port: 1, lookup });
  answer([]);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ENOTFOUND');
  const single = ask(lookup, 'single.test', 6);
  answer([four]);
  t.equal(await single, 'ENOTFOUND');
});
