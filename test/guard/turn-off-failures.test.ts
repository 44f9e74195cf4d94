import t, { type Test } from 'tap';
import { createTurnOff } from '../../src/guard/turn-off.ts';
import { until } from '../support/client.ts';
import { manualClock, minute, second } from '../support/clock.ts';
import { keptLog } from '../support/flags.ts';
import { launchDarklyRest, type Mishap } from '../support/launchdarkly-rest-stub.ts';

/** Begins with these mishaps, by a clock of the test's own and with pauses at their shortest. */
async function start(t: Test, mishaps: Mishap[], why = 'v1 is worse') {
  const stub = await launchDarklyRest(t);
  stub.mishaps.push(...mishaps);
  const clock = manualClock();
  const log = keptLog();
  const { flag, ...launchdarkly } = stub.names;
  const turnOff = createTurnOff({
    launchdarkly: { ...launchdarkly, url: stub.url },
    flag,
    control: 'v0',
    log,
    clock,
    random: () => 0,
  });
  t.teardown(() => turnOff.close());
  turnOff.start(why);
  const detail = () => turnOff.view()?.detail ?? '';
  /** Waits for this many failures. */
  const failed = (count: number) =>
    until(
      () => detail().endsWith(count === 1 ? '; a try has failed' : `; ${count} tries have failed`),
      `failure ${count}`,
    );
  return {
    stub,
    clock,
    log,
    turnOff,
    detail,
    failed,
    /** Waits for a failure, lets the pause go by that follows it, and waits for the next request. */
    next: async (count: number, pause: number): Promise<void> => {
      await failed(count);
      const before = stub.seen.length;
      await clock.pass(pause - 1);
      t.equal(stub.seen.length, before, `nothing before ${pause} ms`);
      await clock.pass(1);
      await stub.gets(before + 1);
    },
    ended: () => until(() => turnOff.view()?.status === 'off', 'the end'),
  };
}

await t.test(
  'whatever goes wrong is tried again until the flag is off, and said as its kind changes',
  async (t) => {
    const mishaps: Mishap[] = [
      'cut',
      { status: 500 },
      { status: 500, body: '{"message":"another one"}' },
      { status: 401, body: '{"code":"unauthorized","message":"unknown token api-very-secret"}' },
      { status: 403, body: '{"code":"forbidden","message":"api-very-secret may not\\u202e do this"}' },
      { status: 302, headers: { location: '/' } },
      { status: 200, body: '<html>a portal</html>' },
      { status: 200, body: '{"variations":[],"environments":{"prod&eu":{"on":"yes"}}}' },
      { status: 200, body: '{"variations":[],"environments":{"prod":{"on":true}}}' },
      'half',
    ];
    const { stub, log, turnOff, detail, failed, next, ended } = await start(t, mishaps);
    const { origin } = stub;
    await failed(1);
    t.match(detail(), `${origin} cannot be asked: socket hang up; a try has failed`);
    for (const [index, pause] of [
      500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000,
    ].entries())
      await next(index + 1, pause);
    await ended();
    t.match(turnOff.view(), { status: 'off', detail: 'turned off in prod&eu' });
    t.same(
      log.said(/cannot be turned off/).map(({ fields }) => fields['why']),
      [
        `${origin} cannot be asked: socket hang up`,
        `${origin} answered 500`,
        `${origin} answered 401: the API token is unknown, or may not do this`,
        `${origin} answered 403: … may not\\u{202e} do this`,
        `${origin} answered 302`,
        `${origin} does not answer as LaunchDarkly does`,
        'the flag has no environment prod&eu in LaunchDarkly',
        `the answer of ${origin} does not come whole`,
      ],
    );
    t.notMatch(JSON.stringify(log.lines), /very-secret/);
    t.same(stub.mistakes, []);
  },
);

await t.test('a change that LaunchDarkly refuses is made as soon as it is allowed', async (t) => {
  const message = "Flag configuration updates require approval: action 'updateOn' not allowed";
  const body = JSON.stringify({ code: 'method_not_allowed', message });
  const { stub, detail, failed, next, ended } = await start(t, ['none', { status: 405, body }]);
  await failed(1);
  t.equal(detail(), `${stub.origin} answered 405: ${message}; a try has failed`);
  await next(1, 500);
  await ended();
});

await t.test('a change that was made, but not answered, is found made', async (t) => {
  const { stub, turnOff, next, ended } = await start(t, ['none', 'lost']);
  await next(1, 500);
  await ended();
  t.equal(turnOff.view()?.detail, 'off already');
  t.same(
    stub.seen.map(({ method }) => method),
    ['GET', 'PATCH', 'GET'],
  );
});

await t.test('a change that is taken, and not made, is asked for again', async (t) => {
  const { stub, detail, failed, next, ended } = await start(t, ['none', 'ignored']);
  await failed(1);
  t.equal(detail(), 'LaunchDarkly took the change, and the flag is still on; a try has failed');
  await next(1, 500);
  await ended();
  t.equal(stub.state.on, false);
});

await t.test('an answer that hangs ends after ten seconds, one without end after 16 MiB', async (t) => {
  const { stub, clock, detail, failed, next, ended } = await start(t, ['hang', 'huge']);
  await stub.gets(1);
  await clock.pass(10 * second);
  await failed(1);
  t.equal(detail(), `${stub.origin} did not answer within 10 s; a try has failed`);
  await next(1, 500);
  await failed(2);
  t.match(detail(), `the answer of ${stub.origin} does not come whole`);
  await next(2, second);
  await ended();
});

await t.test('LaunchDarkly says when to ask again, and is heard up to five minutes', async (t) => {
  const now = Date.UTC(2040, 1, 1);
  const date = new Date(now).toUTCString();
  const { next, ended } = await start(t, [
    { status: 429, headers: { 'retry-after': '20' } },
    { status: 429, headers: { 'x-ratelimit-reset': String(now + 9000), date } },
    { status: 429, headers: { 'x-ratelimit-reset': 'never', date } },
    { status: 500, headers: { 'x-ratelimit-reset': String(now + 100_000), date } },
    { status: 429, headers: { 'retry-after': '86400' } },
  ]);
  await next(1, 20 * second);
  await next(2, 9 * second);
  await next(3, 2 * second);
  await next(4, 4 * second);
  await next(5, 5 * minute);
  await ended();
});

await t.test('a cancel ends it, while it waits and while it asks', async (t) => {
  const waiting = await start(t, [{ status: 500 }]);
  await waiting.failed(1);
  waiting.turnOff.cancel();
  t.equal(waiting.turnOff.view(), undefined);
  await waiting.clock.pass(10 * minute);
  t.equal(waiting.stub.seen.length, 1);

  const asking = await start(t, ['hang']);
  await asking.stub.gets(1);
  asking.turnOff.cancel();
  await until(() => asking.stub.connections() === 0, 'the end of the request');
  await asking.clock.pass(10 * minute);
  t.equal(asking.stub.seen.length, 1);
  t.equal(asking.stub.state.on, true, 'nothing was turned off');
  t.same(asking.log.lines, []);
});

await t.test('a comment is cut, and holds nothing invisible', async (t) => {
  const { stub, ended } = await start(t, [], `\u202e${'x'.repeat(100_000)}`);
  await ended();
  const comment = String(stub.seen[1]?.body?.['comment']);
  t.match(comment, /^trenchcoat: \\u\{202e\}x{487}$/);
});
