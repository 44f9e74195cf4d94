import t from 'tap';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { runHere, startRun } from '../support/command.ts';
import { failing, fine, shownBy } from '../support/guarded.ts';
import { rolledOut } from '../support/proxy.ts';
import { crowd } from '../support/rollout.ts';
import { steadyClient } from '../support/steady-client.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a rollback by the guard outlives a SIGKILL, and a person alone begins anew', async (t) => {
  const [v0, v1] = [await startUpstream(t, fine), await startUpstream(t, failing(1))];
  const yaml = rolledOut(v0.url, v1.url, { guard: 'onRegression: rollback', state: 'file:state.json' });
  const folder = t.testdir({
    'trenchcoat.yaml': `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${yaml}`,
  });
  const file = join(folder, 'trenchcoat.yaml');
  const first = await startRun(t, file);
  const client = steadyClient(t, [first.port], { rate: 50 });
  const trip = await shownBy(first).found(15_000);
  await until(async () => (await shownBy(first).guard()).state.saved, 'saved');
  first.child.kill('SIGKILL');
  await first.ended;
  await client.stop();

  const second = await startRun(t, file);
  const shown = shownBy(second);
  for (const uid of crowd(20)) {
    const { headers } = await request(second.port, '/fact/', { headers: { cookie: `uid=${uid}` } });
    t.equal(headers['x-api-version'], '0');
  }
  t.match(await shown.guard(), { trip: { id: trip.id, words: trip.words } });
  t.match(await shown.rollout(), {
    status: 'reverted',
    percent: 0,
    regression: { requestIds: trip.requestIds },
  });
  t.notMatch(second.output.stdout, /"level":"error"/, 'it is not found once more');

  const admin = `http://127.0.0.1:${second.adminPort}`;
  t.match(await runHere(t, ['rollout', 'start', '--admin', admin]), { code: 0 });
  t.match(await shown.guard(), { trip: undefined });
  t.match(await shown.rollout(), { status: 'in_progress', percent: 25, regression: undefined });
});
