import t from 'tap';
import http from 'node:http';
import { bucketOf } from '../../src/flags/bucket.ts';
import { request } from '../support/client.ts';
import { flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const quarter = `
flags:
  facts:
    on: true
    variations: [0, 1]
    salt: trash-panda
    fallthrough: { rollout: { variations: [{ variation: 0, weight: 75000 }, { variation: 1, weight: 25000 }] } }
`;
const keys = Array.from({ length: 10_000 }, (_, i) => `user-${i}`);

// 1.3 points are three standard deviations of a fair draw of 10,000.
await t.test('a quarter of 10,000 users gets v1: by the bucket, and the same after a restart', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  upstream.server.removeAllListeners('request').on('request', (_req, res) => res.end());
  const versions: string[][] = [];
  // A part of them is enough to tell a second draw from the first.
  for (const asked of [keys, keys.slice(0, 1000)]) {
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url, 'log: { access: false }'), {
      'flags.yaml': quarter,
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    const answers = await Promise.all(
      asked.map((uid) => request(proxy.port, '/fact/', { agent, headers: { cookie: `uid=${uid}` } })),
    );
    agent.destroy();
    await proxy.stop();
    versions.push(answers.map(({ headers }) => String(headers['x-api-version'])));
  }
  const [all = [], some] = versions;
  const share = all.filter((version) => version === '1').length / keys.length;
  t.ok(Math.abs(share - 0.25) <= 0.013, `${(share * 100).toFixed(2)} %`);
  t.same(some, all.slice(0, 1000), 'nobody moved over the restart');
  const expected = keys.map((key) => (bucketOf('facts.trash-panda', key) < 0.75 ? '0' : '1'));
  t.same(all, expected, 'each as the bucket says');
});
