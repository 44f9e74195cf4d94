import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('one line a request, with the fields that others build on and no secret', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('x'.repeat(5000)));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const agent = { agent: new (await import('node:http')).Agent({ keepAlive: true, maxSockets: 1 }) };
  t.teardown(() => agent.agent.destroy());
  const headers = { cookie: 'uid=alice; session=hunter2', authorization: 'Bearer hunter2' };
  for (const id of ['a', 'b'])
    await request(proxy.port, '/fact/?token=hunter2', {
      ...agent,
      method: 'POST',
      body: 'y'.repeat(2000),
      headers: { ...headers, 'x-request-id': id },
    });
  const line = await proxy.accessLine('b');
  t.same(Object.keys(line).toSorted(), [
    'bytesIn',
    'bytesOut',
    'durationMs',
    'headMs',
    'id',
    'level',
    'method',
    'path',
    'reason',
    'route',
    'status',
    'time',
    'upstream',
    'version',
  ]);
  t.match(line, {
    time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    level: 'info',
    route: 'facts',
    version: '0',
    reason: 'TARGET_MATCH',
    method: 'POST',
    path: '/fact/',
    status: 200,
    upstream: 'v0',
  });
  t.ok(line.durationMs > 0 && line.durationMs < 5000);
  t.ok((line.headMs ?? 0) > 0 && (line.headMs ?? 0) <= line.durationMs);
  t.ok(line.bytesIn > 2000 && line.bytesIn < 2600, `${line.bytesIn} bytes in, of this request alone`);
  t.ok(line.bytesOut > 5000 && line.bytesOut < 5600, `${line.bytesOut} bytes out`);
  t.notMatch(proxy.logText(), /hunter2/);
  t.equal(proxy.logText().match(/"id":"b"/g)?.length, 1);
});

await t.test('no byte of a request breaks a line', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/%0a{"level":"fatal"}"\\', { headers: { 'x-request-id': 'c' } });
  t.equal((await proxy.accessLine('c')).path, '/fact/%0a{"level":"fatal"}"\\');
});

await t.test('access: false writes none, of failed requests neither', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const yaml = flagged(upstream.url, upstream.url, 'log: { access: false }');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/');
  upstream.server.closeAllConnections();
  upstream.server.close();
  t.match(await request(proxy.port, '/fact/'), { status: 502 });
  await proxy.stop();
  t.notMatch(proxy.logText(), /"method"/);
});
