import type { RequestListener } from 'node:http';
import type { Test } from 'tap';
import { authority } from './authority.ts';
import { request, sendRaw } from './client.ts';
import { startGuarded } from './guarded.ts';
import { steadyClient } from './steady-client.ts';

/** Of four answers one is a failure, and one is cut short. */
function unsteady(): RequestListener {
  let asked = 0;
  return (_req, res) => {
    asked += 1;
    if (asked % 4 === 1) return void res.writeHead(500).end('no fact');
    if (asked % 4 === 3) {
      res.writeHead(200, { 'content-length': 100 }).write('half a f');
      return void setImmediate(() => res.destroy());
    }
    res.end('a fact');
  };
}

/**
 * A proxy that has something to tell under every name of its metrics: both versions are asked, and a plain route; v1 fails
 * as an upstream can, which the guard finds and only tells; something is refused; a certificate is ready to be shown.
 */
export async function startMeasured(t: Pick<Test, 'teardown'>) {
  const { proxy, metrics, found } = await startGuarded(t, {
    v1: unsteady(),
    stage: '10m',
    guard: 'onRegression: notify',
    upstream: '\n  shown: { url: "https://127.0.0.1:1", tls: { cert: cert, key: key } }',
    files: authority().issue(),
  });
  const client = steadyClient(t, [proxy.port], { rate: 100 });
  await request(proxy.port, '/');
  await sendRaw(proxy.port, 'GET / HTTP/1.1\r\n\r\n');
  await found(30_000);
  return { proxy, metrics, stop: () => client.stop() };
}
