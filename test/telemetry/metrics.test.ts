import t from 'tap';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream, unusedPort } from '../support/upstream.ts';

/** The metrics once they have this line. */
const metricsWith = (adminPort: number, line: string) =>
  until(async () => {
    const { body } = await request(adminPort, '/metrics');
    return body.split('\n').includes(line) ? body.split('\n') : undefined;
  }, line);

await t.test('every request is counted once, with the labels that others build on', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('x'));
  const dead = `http://127.0.0.1:${await unusedPort()}`;
  const proxy = await startProxy(t, flagged(upstream.url, dead), { 'flags.yaml': evenFlags });
  for (let i = 0; i < 3; i += 1) await request(proxy.port, '/fact/', { headers: { cookie: 'uid=alice' } });
  for (let i = 0; i < 2; i += 1) await request(proxy.port, '/fact/', { headers: { cookie: 'uid=bob' } });
  await request(proxy.port, '/');
  const text = await metricsWith(
    proxy.adminPort,
    'trenchcoat_requests_total{route="site",version="",status="2xx",reason="ROUTE"} 1',
  );
  const lines = [
    'trenchcoat_requests_total{route="facts",version="0",status="2xx",reason="TARGET_MATCH"} 3',
    'trenchcoat_requests_total{route="facts",version="1",status="5xx",reason="TARGET_MATCH"} 2',
    'trenchcoat_request_duration_seconds_count{route="facts",version="0",status="2xx"} 3',
    'trenchcoat_request_duration_seconds_bucket{le="+Inf",route="facts",version="0",status="2xx"} 3',
    'trenchcoat_response_head_seconds_count{route="facts",version="0"} 3',
    'trenchcoat_decisions_total{route="facts",version="1",reason="TARGET_MATCH"} 2',
    'trenchcoat_requests_in_flight{route="facts",version="0"} 0',
    'trenchcoat_flag_evaluations_total{flag="facts",reason="TARGET_MATCH"} 5',
    'trenchcoat_upstream_failures_total{upstream="v1",code="connect_refused"} 2',
    'trenchcoat_upstream_connects_total{upstream="v0"} 1',
    'trenchcoat_upstream_connects_total{upstream="v1"} 2',
    'trenchcoat_upstream_connections{upstream="v0",state="idle"} 1',
    'trenchcoat_upstream_replays_total{upstream="v0"} 0',
    'trenchcoat_flag_source_ready 1',
    'trenchcoat_flag_source_stale_seconds 0',
    'trenchcoat_log_lines_dropped_total 0',
  ];
  for (const line of lines) t.ok(text.includes(line), line);
  t.ok(text.some((line) => line.startsWith('process_cpu_seconds_total ')));
});

await t.test('what is under way is told while it is', async (t) => {
  let answer: (() => void) | undefined;
  const upstream = await startUpstream(t, (_req, res) => void (answer = () => res.end('x')));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const asked = request(proxy.port, '/fact/', { headers: { cookie: 'uid=bob' } });
  const line = 'trenchcoat_requests_in_flight{route="facts",version="1"}';
  const text = await metricsWith(proxy.adminPort, `${line} 1`);
  t.ok(text.includes('trenchcoat_upstream_connections{upstream="v1",state="active"} 1'));
  t.ok(text.includes('trenchcoat_client_connections 1'));
  answer?.();
  await asked;
  await metricsWith(proxy.adminPort, `${line} 0`);
});

await t.test('a client that leaves at any point leaves nothing in flight', async (t) => {
  const upstream = await startUpstream(t, () => {});
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const ask = (uid: string) => {
    const leaving = new AbortController();
    const url = `http://127.0.0.1:${proxy.port}/fact/`;
    const asked = fetch(url, { headers: { cookie: `uid=${uid}` }, signal: leaving.signal }).catch(() => {});
    return { asked, leave: () => leaving.abort() };
  };
  const inFlight = async () => {
    const { body } = await request(proxy.adminPort, '/metrics');
    return body.split('\n').filter((line) => /^trenchcoat_requests_in_flight\{.* [1-9]\d*$/.test(line));
  };
  const patient = ask('alice');
  await until(async () => (await inFlight()).length > 0, 'one is in flight');
  const crowd = Array.from({ length: 30 }, (_, i) => {
    const one = ask(`${i}`);
    setTimeout(one.leave, i % 5);
    return one.asked;
  });
  patient.leave();
  await Promise.all([patient.asked, ...crowd]);
  await until(async () => (await inFlight()).length === 0, 'nothing is in flight');
});

await t.test('bytes are those on the connections', async (t) => {
  const upstream = await startUpstream(
    t,
    (req, res) => void req.resume().on('end', () => res.end('y'.repeat(10_000))),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/', {
    method: 'POST',
    headers: { cookie: 'uid=bob' },
    body: 'x'.repeat(5000),
  });
  const { bytesIn, bytesOut } = await proxy.accessLine();
  const side = '{route="facts",version="1",status="2xx"}';
  const text = await metricsWith(proxy.adminPort, `trenchcoat_received_bytes_total${side} ${bytesIn}`);
  t.ok(text.includes(`trenchcoat_sent_bytes_total${side} ${bytesOut}`));
  t.ok(bytesIn > 5000 && bytesOut > 10_000);
});
