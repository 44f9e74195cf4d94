import t from 'tap';
import { askedToWait, waitFor } from '../../src/guard/backoff.ts';

/** The shortest pause and the longest. */
const between = (failures: number) => [0, 1].map((chance) => waitFor(failures, undefined, 0, () => chance));

await t.test('pauses double from a second to a minute, and chance takes up to half of each', async (t) => {
  t.same([1, 2, 3, 6, 7, 8, 5000].map(between), [
    [500, 1000],
    [1000, 2000],
    [2000, 4000],
    [16_000, 32_000],
    [30_000, 60_000],
    [30_000, 60_000],
    [30_000, 60_000],
  ]);
});

await t.test('what a service asks for is the least, up to a limit, and not met by all at once', async (t) => {
  t.equal(
    waitFor(1, 20_000, 60_000, () => 0),
    20_000,
  );
  t.equal(
    waitFor(1, 20_000, 60_000, () => 0.5),
    20_500,
  );
  t.equal(
    waitFor(1, 90_000, 60_000, () => 0),
    60_000,
  );
  t.equal(
    waitFor(7, 0, 60_000, () => 0),
    30_000,
    'never sooner than it would be anyway',
  );
});

const text = (at: number) => new Date(at).toUTCString();

await t.test('an answer asks in seconds, by a date, or by the end of a window', async (t) => {
  const now = Date.UTC(2026, 0, 1);
  const asked = (headers: Record<string, string>, status = 429) => askedToWait({ status, headers }, now);
  t.equal(asked({ 'retry-after': '7' }), 7000);
  t.equal(asked({ 'retry-after': text(now + 9000) }), 9000);
  t.equal(asked({ 'retry-after': text(now - 9000) }), 0, 'a date gone by');
  t.equal(asked({ 'retry-after': text(now + 9000), date: text(now + 5000) }), 4000, 'by its own clock');
  t.equal(asked({ 'x-ratelimit-reset': String(now + 3000) }), 3000);
  t.equal(asked({ 'x-ratelimit-reset': String(now + 3000), date: text(now + 1000) }), 2000);
  t.equal(asked({ 'x-ratelimit-reset': String(now + 3000), 'retry-after': '1' }), 1000);
  t.equal(asked({ 'x-ratelimit-reset': String(now + 3000) }, 500), undefined, 'a window that is not used up');
  for (const nonsense of ['', '-1', '1.5', '1e9', 'soon', 'Soon', '99999999999', 'Infinity'])
    t.equal(asked({ 'retry-after': nonsense }), undefined, nonsense);
  for (const nonsense of ['', '12', 'never', '1e15', String(now / 1000)])
    t.equal(asked({ 'x-ratelimit-reset': nonsense }), undefined, nonsense);
});
