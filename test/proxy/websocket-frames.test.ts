import * as fc from 'fast-check';
import t from 'tap';
import { createFrames } from '../../src/proxy/websocket-frames.ts';

const frame = (length: number, masked: boolean): Buffer => {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([0x82, mask | length])
      : length < 65_536
        ? Buffer.from([0x82, mask | 126, length >> 8, length & 0xff])
        : Buffer.from([0x82, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  // A payload that looks like heads of frames must not be taken for some.
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0, 1), Buffer.alloc(length, 0x81)]);
};

await t.test('borders are where frames end, whatever the pieces they come in', async (t) => {
  const length = fc.oneof(fc.nat(20), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
  const frames = fc.array(fc.record({ length, masked: fc.boolean() }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1 }), (wanted, sizes) => {
      const made = wanted.map(({ length, masked }) => frame(length, masked));
      const all = Buffer.concat(made);
      const borders = new Set([0]);
      for (let at = 0, i = 0; i < made.length; i += 1) borders.add((at += made[i]?.length ?? 0));
      const followed = createFrames();
      for (let at = 0, i = 0; at < all.length; i += 1) {
        const piece = all.subarray(at, at + (sizes[i % sizes.length] ?? 1));
        const within = [...borders].filter((border) => border >= at && border <= at + piece.length);
        const first = within.length === 0 ? -1 : Math.min(...within) - at;
        if (followed.take(piece) !== first) return false;
        at += piece.length;
      }
      return true;
    }),
  );
  t.pass('a hundred conversations');
});

await t.test('nothing is before a first frame, and between two', async (t) => {
  const followed = createFrames();
  t.equal(followed.take(Buffer.alloc(0)), 0);
  t.equal(followed.take(frame(10, false).subarray(0, 5)), 0);
  t.equal(followed.take(Buffer.alloc(0)), -1, 'in the midst of one');
  t.equal(followed.take(frame(10, false).subarray(5)), 7, 'where it ends');
  t.equal(followed.take(Buffer.alloc(0)), 0);
});
