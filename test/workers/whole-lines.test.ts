import * as fc from 'fast-check';
import t from 'tap';
import { createLineRelay } from '../../src/workers/line-relay.ts';

await t.test('lines are passed on whole, in whatever pieces they come', async (t) => {
  const text = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '\n') }));
  fc.assert(
    fc.property(text, (pieces) => {
      const passed: Buffer[] = [];
      let lines = 0;
      const relay = createLineRelay((bytes, count) => {
        passed.push(Buffer.from(bytes));
        lines += count;
      });
      for (const piece of pieces) relay(Buffer.from(piece));
      const all = pieces.join('');
      const whole = all.slice(0, all.lastIndexOf('\n') + 1);
      return (
        passed.every((bytes) => bytes.at(-1) === 0x0a) &&
        Buffer.concat(passed).toString() === whole &&
        lines === whole.split('\n').length - 1
      );
    }),
  );
  t.pass('a hundred texts');
});
