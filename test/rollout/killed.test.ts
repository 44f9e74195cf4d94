import t from 'tap';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rolloutKind } from '../../src/rollout/state.ts';
import { readRecords } from '../../src/store/file-store.ts';
import type { RolloutState } from '../../src/rollout/state.ts';
import { runUntilKilled } from '../support/rollout-child.ts';

/** Deterministic, so that a failure can be had again. */
function* moments(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield (state / 2 ** 31) * 120;
  }
}

await t.test('killed at fifty moments of a rollout, it goes on each time from where it was', async (t) => {
  const file = join(t.testdir(), 'state.json');
  const random = moments(7);
  let before: RolloutState | undefined;
  let reached = 0;
  for (let round = 1; round <= 50; round += 1) {
    const served = await runUntilKilled(file, random.next().value);
    const state = (await readRecords(file, rolloutKind)).get('api');
    if (state === undefined) {
      t.notOk(existsSync(file), 'killed before the first write, there is no file, rather than half of one');
      continue;
    }
    const here = `round ${round}, at ${state.percent} %`;
    // The first percentage it serves is control's, before it has read the state.
    const [first = 0, ...rest] = served.slice(served[0] === 0 ? 1 : 0);
    if (served.length > 1) t.ok(first >= reached, `${here}: starts with ${first}, after ${reached}`);
    t.ok(
      rest.every((percent, i) => percent >= (rest[i - 1] ?? 0)),
      `${here}: never goes back`,
    );
    reached = Math.max(reached, first, ...rest);
    t.ok(state.percent >= reached, `${here}: what was served is in the file`);
    const stages = state.history.map(({ percent }) => percent).join();
    const all = Array.from({ length: state.percent }, (_, i) => i + 1).join();
    t.equal(stages, all, `${here}: no stage was skipped or run twice`);
    if (before !== undefined) {
      const { salt, createdAt, history, since, revision } = before;
      t.match(state, { salt, createdAt }, here);
      const part = JSON.stringify(state.history.slice(0, history.length));
      t.equal(part, JSON.stringify(history), `${here}: the history is that of before, and more`);
      if (state.revision === revision) t.equal(state.since, since, `${here}: the stage's clock goes on`);
    }
    before = state;
    if (state.status === 'completed') break;
  }
  t.ok(reached > 10, `it came to ${reached} %`);
});
