import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { packageFile } from '../../src/package.ts';

const file = packageFile('config/demo.yaml');

await t.test('the configuration of the demo takes its addresses and its pace from the command', async (t) => {
  const { config } = await loadConfig(file, {
    DEMO_PORT: '8181',
    DEMO_ADMIN: '127.0.0.1:9902',
    DEMO_UPSTREAM: 'http://127.0.0.1:8001',
    DEMO_STAGE: '5s',
  });
  t.match(config.listen, { host: '127.0.0.1', port: 8181 });
  t.same(config.admin?.address, { host: '127.0.0.1', port: 9902 });
  t.same(
    Object.entries(config.upstreams).map(([name, { url }]) => [name, url.href]),
    [
      ['v0', 'http://127.0.0.1:8001/v0'],
      ['v1', 'http://127.0.0.1:8001/v1'],
      ['site', 'http://127.0.0.1:8001/'],
    ],
  );
  t.match(Object.fromEntries(config.rollouts), {
    raccoon_facts_api: {
      stages: [
        { percent: 25, for: 5000 },
        { percent: 50, for: 5000 },
      ],
    },
  });
  t.same(
    config.routes.map(({ name, match: { path } }) => [name, path]),
    [
      ['facts', '/fact/'],
      ['site', '/'],
    ],
  );
});
