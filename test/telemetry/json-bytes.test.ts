import * as fc from 'fast-check';
import t from 'tap';
import { mostBytes, writeAccessLine } from '../../src/telemetry/access-line.ts';
import { putInteger, putMs, putText } from '../../src/telemetry/json-bytes.ts';
import { withoutUnseen } from '../../src/telemetry/visible.ts';

// Lines of requests are written digit by digit and letter by letter; JSON.stringify says what they have to be.

const written = (put: (bytes: Buffer, at: number) => number): string => {
  const bytes = Buffer.alloc(4096, '#');
  const end = put(bytes, 3);
  if (bytes.toString('latin1', 0, 3) !== '###') throw new Error('what stood before was written over');
  return bytes.toString('utf8', 3, end);
};

await t.test('whole numbers', async (t) => {
  for (const edge of [0, 9, 10, 99, 100, 499, 999_999_999, 1_000_000_000, 2 ** 31, 2 ** 53 - 1])
    t.equal(
      written((bytes, at) => putInteger(bytes, at, edge)),
      String(edge),
    );
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      t.equal(
        written((bytes, at) => putInteger(bytes, at, value)),
        String(value),
      );
    }),
  );
});

await t.test('milliseconds, as they were rounded', async (t) => {
  for (const edge of [0, 0.001, 0.01, 0.1, 0.999, 1, 1.05, 10.5, 12.34, 999.999, 86_400_000.001])
    t.equal(
      written((bytes, at) => putMs(bytes, at, edge)),
      String(edge),
    );
  fc.assert(
    fc.property(fc.nat({ max: 1e11 }), (micros) => {
      const ms = Math.round(micros) / 1000;
      t.equal(
        written((bytes, at) => putMs(bytes, at, ms)),
        JSON.stringify(ms),
      );
    }),
  );
});

await t.test('texts, hostile ones too', async (t) => {
  const text = fc.string({
    unit: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"', '\\', '\n', '\u001b', '\u202e', '\ud800'),
    ),
  });
  fc.assert(
    fc.property(
      text,
      (value) => written((bytes, at) => putText(bytes, at, value)) === withoutUnseen(JSON.stringify(value)),
    ),
  );
  t.pass('a hundred more, at random');
});

await t.test('no line outgrows the room that is made for it', async (t) => {
  const longest = '\u001b'.repeat(700);
  const outcome = {
    id: longest,
    route: longest,
    version: longest,
    reason: 'PREREQUISITE_FAILED',
    method: longest,
    path: longest,
    status: 599,
    durationMs: 2 ** 43 + 0.001,
    headMs: 2 ** 43 + 0.001,
    bytesIn: Number.MAX_SAFE_INTEGER,
    bytesOut: Number.MAX_SAFE_INTEGER,
    upstream: longest,
    error: { code: 'response_header_too_large_or_longer', source: 'downstream' as const },
    traceId: 'f'.repeat(32),
  };
  const most = mostBytes(outcome);
  const bytes = Buffer.alloc(most + 100, '#');
  const end = writeAccessLine(bytes, 0, outcome, 'error', new Date().toISOString());
  t.ok(end <= most, `${end} of ${most} bytes`);
  const { time: _time, level, ...read } = JSON.parse(bytes.toString('utf8', 0, end));
  t.equal(level, 'error');
  t.same(read, outcome);
});
