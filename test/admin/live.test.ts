import t, { type Test } from 'tap';
import { startAdmin } from '../../src/admin/server.ts';
import type { Snapshot } from '../../src/admin/snapshot.ts';
import { request, until } from '../support/client.ts';
import { manualClock, second } from '../support/clock.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { heldMegabytes } from '../support/memory.ts';
import { quietAdmin } from '../support/quiet-admin.ts';
import { startUpstream } from '../support/upstream.ts';
import { look } from '../support/viewer.ts';

/** An admin port whose seconds are the test's. `padding` makes each snapshot so large. */
async function startTicking(t: Pick<Test, 'teardown'>, padding = '') {
  const listeners = new Set<() => void>();
  let looks = 0;
  const admin = await startAdmin(
    { address: { host: '127.0.0.1', port: 0 }, token: undefined, hosts: [] },
    {
      ...quietAdmin,
      rollouts: undefined,
      snapshot: () => ({ at: (looks += 1), padding }) as unknown as Snapshot,
      everySecond(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  );
  t.teardown(() => admin.close());
  return {
    port: admin.address.port,
    close: () => admin.close(),
    /** Who wants to know of each second. */
    listeners: () => listeners.size,
    /** How often somebody had a look. */
    looks: () => looks,
    tick: () => {
      for (const listener of listeners) listener();
    },
  };
}

await t.test('viewers are told at once, and then each second, what the proxy does', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const clock = manualClock();
  const { port, adminPort } = await startProxy(
    t,
    flagged(upstream.url, upstream.url),
    { 'flags.yaml': evenFlags },
    clock,
  );
  const start = clock.now();
  const viewers = await Promise.all([look(t, adminPort), look(t, adminPort), look(t, adminPort)]);
  for (const viewer of viewers) {
    t.match(viewer.answer.headers, {
      'content-type': 'text/event-stream',
      'x-content-type-options': 'nosniff',
    });
    t.match(await viewer.sees(1), {
      at: start,
      proxy: { phase: 'ready' },
      flags: [{ flag: 'facts', scheduled: 50 }],
    });
  }
  for (let i = 1; i <= 3; i += 1) {
    await request(port, '/fact/', { headers: { cookie: 'uid=bob' } });
    await clock.pass(second);
    for (const viewer of viewers) {
      const { at, flags } = await viewer.sees(i + 1);
      t.equal(at, start + i * second);
      t.match(flags, [{ latest: { at: at - second, versions: { 0: { requests: 0 }, 1: { requests: 1 } } } }]);
    }
  }
  const late = await look(t, adminPort);
  t.match(await late.sees(1), { at: start + 3 * second });
  for (const viewer of viewers) t.equal(viewer.seen().length, 4, 'nobody is told what others asked for');
});

await t.test('there is one look a second for all viewers, and none when the last has left', async (t) => {
  const { port, listeners, looks, tick } = await startTicking(t);
  t.equal(listeners(), 0);
  const viewers = await Promise.all(Array.from({ length: 5 }, () => look(t, port)));
  await Promise.all(viewers.map((viewer) => viewer.sees(1)));
  t.equal(looks(), 5, 'one each at the start');
  for (let i = 2; i <= 4; i += 1) {
    tick();
    await Promise.all(viewers.map((viewer) => viewer.sees(i)));
  }
  t.equal(looks(), 8, 'and then one a second');
  for (const viewer of viewers) {
    t.equal(listeners(), 1);
    viewer.leave();
  }
  await until(() => listeners() === 0, 'nothing runs');
  tick();
  t.equal(looks(), 8);
  const again = await look(t, port);
  await again.sees(1);
  t.equal(listeners(), 1);
});

// A browser in a sleeping laptop reads nothing and does not go away. What it is told piles up, here or in the kernel.
await t.test('a viewer who does not read misses some, holds nobody up and costs no memory', async (t) => {
  const { port, tick } = await startTicking(t, 'x'.repeat(500_000));
  const asleep = await Promise.all(Array.from({ length: 20 }, () => look(t, port, { reads: false })));
  const awake = await look(t, port);
  await awake.sees(1);
  const tell = async (from: number, to: number) => {
    for (let i = from; i < to; i += 1) {
      tick();
      await awake.sees(i + 1);
    }
  };
  // What the kernel takes and each connection holds is taken by then.
  await tell(1, 30);
  const before = heldMegabytes();
  await tell(30, 60);
  // 300 MB were said to those who sleep.
  const more = heldMegabytes() - before;
  t.ok(more < 100, `${Math.round(more)} MB more`);
  t.equal(asleep.filter(({ answer }) => answer.socket.destroyed).length, 0);
});

await t.test('beyond 32 viewers, those who come are told so, until one has left', async (t) => {
  const { port } = await startTicking(t);
  const viewers = await Promise.all(Array.from({ length: 32 }, () => look(t, port)));
  await Promise.all(viewers.map((viewer) => viewer.sees(1)));
  for (const method of ['GET', 'HEAD'])
    t.match(await request(port, '/api/live', { method }), {
      status: 503,
      headers: { 'content-type': 'application/problem+json' },
      body: method === 'GET' ? /Too many look on already/ : '',
    });
  viewers[7]?.leave();
  const next = await until(async () => {
    const viewer = await look(t, port);
    return viewer.answer.statusCode === 200 && viewer;
  }, 'room for one');
  await next.sees(1);
});

await t.test('whoever asks for the head alone, or breaks off at once, leaves nothing behind', async (t) => {
  const { port, listeners } = await startTicking(t);
  for (let i = 0; i < 40; i += 1)
    t.match(await request(port, '/api/live', { method: 'HEAD' }), {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: '',
    });
  t.equal(listeners(), 0);
  for (let i = 0; i < 40; i += 1) (await look(t, port)).leave();
  await until(() => listeners() === 0, 'all have left');
  const viewer = await look(t, port);
  await viewer.sees(1);
});

await t.test('a stop sends everybody home', async (t) => {
  const { port, listeners, close } = await startTicking(t);
  const viewers = await Promise.all([look(t, port), look(t, port), look(t, port, { reads: false })]);
  await close();
  await Promise.all(viewers.map(({ gone }) => gone));
  t.equal(listeners(), 0);
});
