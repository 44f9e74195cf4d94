import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { Clock } from '../../src/clock.ts';
import { OutboundError, patience, send, type Outbound } from '../../src/guard/outbound.ts';
import { until } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import { selfSigned } from '../support/self-signed.ts';
import { startRawUpstream } from '../support/upstream.ts';

/** A server that says these bytes to whatever it is asked, and keeps the connection. */
async function raw(t: Test, bytes: string | undefined) {
  const { url, sockets, connections } = await startRawUpstream(t, (socket) => {
    socket.on('data', () => bytes !== undefined && socket.write(bytes));
    socket.on('end', () => socket.end());
  });
  return { url: new URL('/secret', url), open: () => sockets.size, connections };
}

const ask = (url: URL, clock: Clock, more: Partial<Outbound> = {}) =>
  send({
    method: 'POST',
    url,
    headers: {},
    body: '{}',
    most: 1000,
    signal: new AbortController().signal,
    clock,
    ...more,
  });

await t.test(
  'each way to get no answer is an error with a kind, which shows no more than the origin',
  async (t) => {
    const cases: [string, string, RegExp][] = [
      ['garbage\r\n\r\n', 'HPE', /^http:\/\/127\.0\.0\.1:\d+ does not speak HTTP$/],
      [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 'HPE', /does not speak HTTP/],
      [
        'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
        'it ended the connection without an answer',
        /^http:\/\/127\.0\.0\.1:\d+ cannot be asked: it ended the connection without an answer$/,
      ],
    ];
    for (const [bytes, code, message] of cases) {
      const { url, open } = await raw(t, bytes);
      await t.rejects(ask(url, manualClock()), { name: 'OutboundError', code, message });
      await until(() => open() === 0, 'the end of the connection');
    }
  },
);

await t.test('a certificate that nobody signed is not believed', async (t) => {
  const server = https.createServer(selfSigned, (_, res) => res.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/secret`);
  await t.rejects(ask(url, manualClock()), {
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    message: `${url.origin} cannot be asked: self-signed certificate`,
  });
});

await t.test('a header that cannot be sent is an error without what it holds', async (t) => {
  const { url, connections } = await raw(t, undefined);
  const failure = await ask(url, manualClock(), { headers: { authorization: 'hidden\n' } }).catch(
    (error: unknown) => error,
  );
  t.ok(failure instanceof OutboundError);
  t.notMatch(String(failure), /hidden|secret/);
  t.equal(connections(), 0);
});

await t.test('what came of an answer counts, when the rest is late', async (t) => {
  const clock = manualClock();
  const said = 'HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\nsome';
  const { url, open } = await raw(t, said);
  const agent = new http.Agent();
  const answer = ask(url, clock, { agent });
  const ours = () => Object.values(agent.sockets)[0]?.[0];
  await until(() => ours()?.bytesRead === said.length, 'the beginning of the answer');
  await clock.pass(patience);
  t.match(await answer, { status: 202, body: 'some', whole: false });
  await until(() => open() === 0, 'the end of the connection');
});

await t.test('a request that is ended before it began is not sent', async (t) => {
  const { url, connections } = await raw(t, undefined);
  await t.rejects(ask(url, manualClock(), { signal: AbortSignal.abort() }), { name: 'OutboundError' });
  t.equal(connections(), 0);
});
