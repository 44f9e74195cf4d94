import t from 'tap';
import { request, until } from '../support/client.ts';
import { flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';
import { look } from '../support/viewer.ts';

await t.test('an upstream is as well as its last answer, whoever ended it', async (t) => {
  let fails = true;
  const stream = await startUpstream(t, (_req, res) => {
    if (fails) return void res.writeHead(500).end();
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('data: x\n\n');
  });
  const mute = await startUpstream(t, () => {});
  const yaml = flagged(mute.url, stream.url).replace('upstream: v0 }', 'upstream: v1 }');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': 'flags: {}' });
  const health = async () => {
    const viewer = await look(t, proxy.adminPort);
    const { upstreams } = await viewer.sees(1);
    viewer.leave();
    return Object.fromEntries(upstreams.map((one) => [one.name, one.health]));
  };
  const becomes = (name: string, wanted: string) =>
    until(async () => (await health())[name] === wanted, `${name} is ${wanted}`);
  const url = `http://127.0.0.1:${proxy.port}`;
  t.strictSame(await health(), { v0: 'unused', v1: 'unused' });

  await request(proxy.port, '/');
  await becomes('v1', 'failing');
  fails = false;
  const listening = new AbortController();
  t.equal((await fetch(`${url}/`, { signal: listening.signal })).status, 200);
  listening.abort();
  await becomes('v1', 'answering');

  const waiting = new AbortController();
  const answer = fetch(`${url}/fact/`, { headers: { 'x-request-id': 'left' }, signal: waiting.signal });
  await until(() => mute.seen.length > 0, 'it is asked');
  waiting.abort();
  await t.rejects(answer);
  t.match(await proxy.accessLine('left'), { status: 499 });
  t.equal((await health())['v0'], 'unused', 'whoever has never answered is not said to');
});
