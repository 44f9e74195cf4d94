import t from 'tap';
import http from 'node:http';
import { once } from 'node:events';
import { until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

// http-proxy goes on with the upstream's answer when nobody is there to read it, for ever if it is a stream.
await t.test('a client that leaves cancels the upstream', async (t) => {
  let closed = 0;
  const upstream = await startUpstream(t, (req, res) => {
    res.on('close', () => (closed += 1));
    if (req.url === '/v/fact/body') res.write('first');
  });
  const proxy = await startProxy(t, flagged(`${upstream.url}/v`, `${upstream.url}/v`), {
    'flags.yaml': evenFlags,
  });
  const start = (path: string, id: string, method = 'GET') =>
    http
      .request({
        port: proxy.port,
        host: '127.0.0.1',
        path,
        method,
        headers: { 'x-request-id': id },
        agent: false,
      })
      .on('error', () => {});

  await t.test('before the head', async (t) => {
    const before = closed;
    const req = start('/fact/head', 'gone-1');
    req.end();
    await until(() => upstream.seen.some(({ url }) => url === '/v/fact/head'), 'the upstream is asked');
    req.destroy();
    await until(() => closed > before, 'the upstream request ends');
    t.match(await proxy.accessLine('gone-1'), {
      status: 499,
      error: { code: 'client_closed', source: 'downstream' },
    });
  });

  await t.test('in the body', async (t) => {
    const before = closed;
    const req = start('/fact/body', 'gone-2');
    req.end();
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    await once(res, 'data');
    req.destroy();
    await until(() => closed > before, 'the upstream request ends');
    t.match(await proxy.accessLine('gone-2'), {
      status: 200,
      error: { code: 'client_closed', source: 'downstream' },
    });
  });

  await t.test('in an upload', async (t) => {
    const before = closed;
    const req = start('/fact/upload', 'gone-3', 'POST');
    req.write('some of it');
    await until(
      () => upstream.seen.some(({ url, body }) => url === '/v/fact/upload' && body !== ''),
      'the upload arrives',
    );
    req.destroy();
    await until(() => closed > before, 'the upstream request ends');
    t.match(await proxy.accessLine('gone-3'), {
      status: 499,
      error: { code: 'client_closed', source: 'downstream' },
    });
  });
});
