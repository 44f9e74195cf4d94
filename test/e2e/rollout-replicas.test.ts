import t from 'tap';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { request, until } from '../support/client.ts';
import { runHere } from '../support/command.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { crowd } from '../support/rollout.ts';
import { startUpstream } from '../support/upstream.ts';

const users = crowd(24);

await t.test(
  'three proxies, one Redis: users who ask now here, now there never go back, through an outage and a rollback',
  { skip: skipWithoutRedis() },
  async (t) => {
    const redis = await startRedis(t);
    const upstream = await startUpstream(t, (_req, res) => res.end());
    upstream.server.removeAllListeners('request').on('request', (_req, res) => res.end());
    const yaml = rolledOut(upstream.url, upstream.url, { stage: '1s', state: redis.url });
    const proxies = await Promise.all([1, 2, 3].map(() => startProxy(t, `${yaml}\nlog: { access: false }`)));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 6 });
    t.teardown(() => agent.destroy());

    const versions = new Map<string, string[]>();
    const failures: number[] = [];
    const ended = new AbortController();
    /** Each user asks the proxies in turn, again and again. */
    const asking = Promise.all(
      users.map(async (uid, i) => {
        const seen: string[] = [];
        versions.set(uid, seen);
        for (let turn = i; !ended.signal.aborted; turn += 1) {
          const port = proxies[turn % proxies.length]?.port ?? 0;
          const answer = await request(port, '/fact/', { agent, headers: { cookie: `uid=${uid}` } });
          if (answer.status !== 200) failures.push(answer.status);
          seen.push(String(answer.headers['x-api-version']));
          await delay(15);
        }
      }),
    );
    const latest = () => [...versions.values()].map((seen) => seen.slice(-3).join(''));
    const share = (version: string) => latest().filter((three) => three === version.repeat(3)).length;

    await until(() => share('1') > 2, 'the first stage', 10_000);
    await redis.kill();
    await until(() => proxies.every((proxy) => proxy.logText().includes('held where they are')), 'noticed');
    const held = share('1');
    t.ok(held > 0 && held < users.length);
    await redis.up();
    await until(() => share('1') === users.length, 'everyone', 20_000);
    t.same(
      [...versions.values()].filter((seen) => seen.join('').includes('10')),
      [],
      'nobody went back',
    );

    const admin = `http://127.0.0.1:${proxies[2]?.adminPort}`;
    t.match(await runHere(t, ['rollout', 'rollback', '--admin', admin]), { code: 0 });
    const before = performance.now();
    await until(() => share('0') === users.length, 'everyone back', 2000);
    const took = performance.now() - before;
    t.ok(took < 1200, `everyone is back after ${Math.round(took)} ms, three questions of each included`);
    ended.abort();
    await asking;
    t.same(failures, [], 'and every request was served');
  },
);
