import * as fc from 'fast-check';
import t from 'tap';
import { createTally, type Tally } from '../../src/telemetry/tally.ts';

// Several processes count for one proxy: what each hands over is added up by another.

const version = fc.constantFrom('0', '1', undefined);
const status = fc.constantFrom(200, 204, 404, 500, 502);
/** Eighths of a second, whose sums are the same in whatever order they are added. */
const ms = fc.nat(40).map((eighths) => eighths * 125);
const request = fc.record({ version, status, ms, by: fc.nat(2), ended: fc.boolean() });

type Request = { version: string | undefined; status: number; ms: number; by: number; ended: boolean };

function play(tally: Tally, { version, status, ms, ended }: Request): void {
  const evaluation = { reason: { kind: 'FALLTHROUGH' } };
  tally.began('facts', 'facts', { version, reason: 'FALLTHROUGH', evaluation });
  if (!ended) return;
  tally.ended({
    id: 'a',
    route: 'facts',
    version,
    reason: 'FALLTHROUGH',
    method: 'GET',
    path: '/',
    status,
    durationMs: ms,
    headMs: ms,
    bytesIn: 10,
    bytesOut: ms,
    upstream: `v${version}`,
    error: status === 502 ? { code: 'connect_refused', source: 'upstream' } : undefined,
  });
}

const shown = (tally: Tally) => ({
  sides: [...tally.sides()]
    .map((side) => ({
      ...side,
      decisions: [...side.decisions],
      ended: side.ended.map((one) => one && { ...one, reasons: [...one.reasons] }),
    }))
    .toSorted((a, b) => String(a.version).localeCompare(String(b.version))),
  evaluations: [...tally.evaluations].map(([flag, counts]) => [flag, [...counts]]),
  failures: new Map([...tally.failures].map(([name, counts]) => [name, new Map(counts)])),
});

await t.test(
  'however requests divide over processes, and whenever they tell, the sum is the same',
  async (t) => {
    fc.assert(
      fc.property(fc.array(request), fc.array(fc.nat(2)), (requests, tellings) => {
        const one = createTally();
        const whole = createTally();
        const parts = [createTally(), createTally(), createTally()];
        for (const [index, request] of requests.entries()) {
          play(one, request);
          const part = parts[request.by];
          if (part !== undefined) play(part, request);
          const teller = parts[tellings[index] ?? -1];
          if (teller !== undefined) whole.absorb(structuredClone(teller.take()));
        }
        for (const part of parts) whole.absorb(structuredClone(part.take()));
        t.same(shown(whole), shown(one));
        return true;
      }),
      { numRuns: 30 },
    );
  },
);

await t.test('what was taken is not told again, and what is in flight stays in flight', async (t) => {
  const part = createTally();
  const whole = createTally();
  const request = { version: '1', status: 200, ms: 5, by: 0, ended: false };
  play(part, request);
  whole.absorb(part.take());
  whole.absorb(part.take());
  t.equal(whole.side('facts', '1')?.inFlight, 1);
  whole.forget('facts', '1', 1);
  t.equal(whole.side('facts', '1')?.inFlight, 0, 'a process that died has none');
});
