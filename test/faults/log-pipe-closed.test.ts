import { join } from 'node:path';
import t from 'tap';
import { request, until } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('the log pipe is closed: traffic goes on, and what is lost is a metric', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const folder = t.testdir({
    'trenchcoat.yaml': `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${flagged(upstream.url, upstream.url)}`,
    'flags.yaml': evenFlags,
  });
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
  const lost = async () => {
    const { body } = await request(proxy.adminPort, '/metrics');
    return Number(/^trenchcoat_log_lines_dropped_total (\d+)$/m.exec(body)?.[1]);
  };
  t.equal(await lost(), 0);
  proxy.child.stdout?.destroy();
  await until(async () => {
    t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'served' });
    return (await lost()) > 10;
  }, 'lines are counted as lost');
  proxy.child.kill('SIGTERM');
  const { code, stderr } = await proxy.ended;
  t.same([code, stderr], [0, '']);
});
