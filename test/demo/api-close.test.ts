import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { startRaccoonApis } from '../../src/demo/apis.ts';

await t.test('closing ends connections that are idle, or have not spoken yet', async (t) => {
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
  const port = Number(new URL(apis.url).port);

  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const idle = connect(port, '127.0.0.1');
  idle.write('GET /v0/fact/ HTTP/1.1\r\nHost: raccoons\r\n\r\n');
  const [head] = await once(idle, 'data');
  t.match(String(head), /^HTTP\/1\.1 200 /);

  const ended = Promise.all([once(silent, 'close'), once(idle, 'close')]);
  const before = performance.now();
  await apis.close();
  await ended;
  t.ok(performance.now() - before < 1000, 'at once');
  await t.rejects(fetch(`${apis.url}/v0/fact/`), 'and nothing listens any more');
  await apis.close();
});
