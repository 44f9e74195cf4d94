import t from 'tap';
import { writeTogether, type Writer } from '../../src/upstream/write-together.ts';

const endOfTurn = () => new Promise((resolve) => void setImmediate(resolve));

function writers(count: number) {
  const written: number[] = [];
  const all = Array.from({ length: count }, (_, at): Writer => ({ writeHeld: () => void written.push(at) }));
  return { all, written };
}

await t.test('those of one turn write at its end, in the order in which they came', async (t) => {
  const { all, written } = writers(10);
  for (const writer of all) writeTogether(writer);
  t.same(written, []);
  await endOfTurn();
  t.same(written, [...all.keys()]);
  await endOfTurn();
  t.equal(written.length, 10, 'and once');
});

await t.test('nobody waits for more than 64', async (t) => {
  const { all, written } = writers(100);
  for (const writer of all) writeTogether(writer);
  t.same(written, [...all.keys()].slice(0, 64));
  await endOfTurn();
  t.same(written, [...all.keys()]);
});

await t.test('who has to write again while all write, writes at the end of the next turn', async (t) => {
  const written: string[] = [];
  const again: Writer = { writeHeld: () => void written.push('again') };
  writeTogether({
    writeHeld() {
      written.push('first');
      writeTogether(again);
    },
  });
  await endOfTurn();
  t.same(written, ['first']);
  await endOfTurn();
  t.same(written, ['first', 'again']);
});
