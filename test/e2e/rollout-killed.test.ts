import t from 'tap';
import { join } from 'node:path';
import { rolloutKind } from '../../src/rollout/state.ts';
import { readRecords } from '../../src/store/file-store.ts';
import { request } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { rolledOut } from '../support/proxy.ts';
import { crowd } from '../support/rollout.ts';
import { startUpstream } from '../support/upstream.ts';

const users = crowd(40);

await t.test(
  'a proxy killed with SIGKILL goes on from where it was: share, clock, history, users',
  async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.end());
    const yaml = rolledOut(upstream.url, upstream.url, { stage: '2s', state: 'file:state.json' });
    const folder = t.testdir({ 'trenchcoat.yaml': `listen: 127.0.0.1:0\nadmin: off\n${yaml}` });
    const seen = new Map(users.map((user) => [user, '']));
    const since = new Map<number, number | null>();
    for (let round = 1; round <= 4; round += 1) {
      const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
      for (const uid of users) {
        const { headers } = await request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } });
        seen.set(uid, `${seen.get(uid)}${String(headers['x-api-version'])}`);
      }
      proxy.child.kill('SIGKILL');
      await proxy.ended;
      const state = (await readRecords(join(folder, 'state.json'), rolloutKind)).get('facts');
      t.ok(state, `round ${round}: there is a state`);
      if (state === undefined) continue;
      const first = since.get(state.stage) ?? state.since;
      if (state.status === 'in_progress')
        t.equal(state.since, first, `round ${round}: the stage's clock went on`);
      since.set(state.stage, state.since);
      const verbs = state.history.map(({ verb }) => verb);
      t.same(
        verbs,
        ['start', 'advance', 'complete'].slice(0, verbs.length),
        `round ${round}: the history is whole`,
      );
    }
    t.same(
      [...seen.values()].filter((versions) => versions.includes('10')),
      [],
      'nobody went back',
    );
    t.ok(
      [...seen.values()].some((versions) => versions.includes('1')),
      'and some have v1',
    );
  },
);
