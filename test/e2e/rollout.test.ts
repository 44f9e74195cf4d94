import t from 'tap';
import http from 'node:http';
import { request } from '../support/client.ts';
import { manualClock, minute } from '../support/clock.ts';
import { runHere } from '../support/command.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { crowd } from '../support/rollout.ts';
import { startUpstream } from '../support/upstream.ts';

const users = crowd(600);

await t.test(
  'over HTTP each user moves once, one way; a rollback is there with the very next request',
  async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.end());
    upstream.server.removeAllListeners('request').on('request', (_req, res) => res.end());
    const clock = manualClock();
    const proxy = await startProxy(
      t,
      `${rolledOut(upstream.url, upstream.url)}\nlog: { access: false }`,
      {},
      clock,
    );
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    t.teardown(() => agent.destroy());
    const ask = async (uid: string) => {
      const { headers } = await request(proxy.port, '/fact/', { agent, headers: { cookie: `uid=${uid}` } });
      return String(headers['x-api-version']);
    };
    const onTreatment = async () => {
      const versions = await Promise.all(users.map(ask));
      return new Set(users.filter((_, i) => versions[i] === '1'));
    };
    const rollout = (...args: string[]) =>
      runHere(t, ['rollout', ...args, '--admin', `http://127.0.0.1:${proxy.adminPort}`]);

    let before = new Set<string>();
    for (const percent of [25, 50, 100]) {
      const now = await onTreatment();
      const share = (100 * now.size) / users.length;
      // Three standard deviations of a fair draw.
      t.ok(Math.abs(share - percent) < 6.2, `${share.toFixed(1)} % at ${percent} %`);
      t.ok(
        [...before].every((user) => now.has(user)),
        'nobody went back',
      );
      before = now;
      await clock.pass(minute);
    }
    t.equal(before.size, users.length);
    t.match(await rollout('status'), {
      code: 0,
      stdout: /facts: completed, 100 %.*seen +100.0 % on 1: 600 of 600/s,
    });
    t.match(await rollout('pause'), {
      code: 1,
      stderr: /facts is completed, which refuses pause; open now: rollback/,
    });

    t.match(await rollout('rollback', '--why', 'raccoons complain'), { code: 0, stdout: /reverted, 0 %/ });
    t.same(await onTreatment(), new Set(), 'everyone is back');
    t.match(await rollout('status', '--json'), { code: 0, stdout: /"why": "raccoons complain"/ });
    t.match(await rollout('start'), { code: 0, stdout: /in progress, 25 %/ });
    t.ok((await onTreatment()).size > 0);

    const metrics = await request(proxy.adminPort, '/metrics');
    t.match(metrics.body, 'trenchcoat_rollout_percent{flag="facts"} 25');
    t.match(metrics.body, 'trenchcoat_rollout_state{flag="facts",state="in_progress"} 1');
    t.match((await request(proxy.adminPort, '/readyz')).body, '"rollouts":"facts in_progress at 25 %"');
  },
);
