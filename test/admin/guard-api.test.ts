import t from 'tap';
import { askAdmin as ask } from '../support/admin-answer.ts';
import { request } from '../support/client.ts';
import { aGuard, aTrip, startGuardAdmin } from '../support/guard-admin.ts';
import { startRolloutAdmin } from '../support/rollout-admin.ts';

await t.test('the guards are shown, all and one by one, though LaunchDarkly runs the rollouts', async (t) => {
  const odd = 'a route/with %2F & ünicode?';
  const { port, shown } = await startGuardAdmin(t, [aGuard(), aGuard({ route: odd, trip: aTrip() })]);
  const asJson = JSON.parse(JSON.stringify(shown)) as unknown[];
  const { status, headers, json } = await ask(port, 'GET', '/api/guard');
  t.strictSame({ status, json }, { status: 200, json: { guards: asJson } });
  t.match(headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  t.strictSame((await ask(port, 'GET', '/api/guard/facts?x=/y')).json, asJson[0]);
  t.strictSame((await ask(port, 'GET', `/api/guard/${encodeURIComponent(odd)}`)).json, asJson[1]);
  t.match(await request(port, '/api/guard', { method: 'HEAD' }), { status: 200, body: '' });
  t.match((await ask(port, 'GET', '/api/rollouts')).json, { managedBy: 'launchdarkly' });
});

await t.test('a clearing hands over its reason, made printable, and shows the guard after it', async (t) => {
  const { port, shown, clearings } = await startGuardAdmin(t, [aGuard()]);
  const clear = (body?: string) => ask(port, 'POST', '/api/guard/facts/clear', body);
  t.strictSame((await clear()).json, JSON.parse(JSON.stringify(shown[0])));
  await clear('{}');
  await clear(JSON.stringify({ why: 'é🦝\n\u001b[2J\u202e' }));
  t.strictSame(
    clearings.map(({ route, why }) => [route, why]),
    [
      ['facts', ''],
      ['facts', ''],
      ['facts', 'é🦝\\u{a}\\u{1b}[2J\\u{202e}'],
    ],
  );
});

await t.test('a clearing that is not done says why', async (t) => {
  const outcomes = { unknown: 404, refused: 409, away: 503 } as const;
  for (const [why, status] of Object.entries(outcomes) as [keyof typeof outcomes, number][]) {
    const detail = `a sentence about ${why}`;
    const { port } = await startGuardAdmin(t, [], { clear: () => ({ ok: false, why, detail }) });
    const { json } = await ask(port, 'POST', '/api/guard/facts/clear');
    t.equal(json.status, status);
    t.equal(json.detail, why === 'unknown' ? 'there is no guard of the route "facts"' : detail);
  }
});

await t.test('what does not exist is 404, and a wrong method 405', async (t) => {
  const { port, clearings } = await startGuardAdmin(t, [aGuard()]);
  const details: [string, string, RegExp][] = [
    ['GET', '/api/guard/other', /no guard of the route "other"/],
    ['GET', '/api/guard/', /no guard of the route ""/],
    ['GET', '/api/guard/__proto__', /no guard/],
    ['GET', '/api/guard/%1b%5B2J', /no guard of the route "\\u001b\[2J"/],
    ['GET', '/api/guard/%zz', /"%zz" is no route: its percent-encoding is malformed/],
    ['POST', '/api/guard/%ff/clear', /malformed/],
    ['POST', '/api/guard/facts/rollback', /"rollback" is no verb of a guard; the only one is clear/],
    ['GET', '/api/guard/facts/', /no verb/],
    ['POST', '/api/guard/facts/clear/now', /the paths are .*\/api\/guard\/ROUTE\/clear/],
    ['GET', '/api/guards', /the paths are/],
  ];
  for (const [method, path, detail] of details)
    t.match(await ask(port, method, path), { status: 404, json: { detail } }, `${method} ${path}`);
  const wrong: [string, string, string][] = [
    ['POST', '/api/guard', 'GET, HEAD'],
    ['DELETE', '/api/guard/facts', 'GET, HEAD'],
    ['GET', '/api/guard/facts/clear', 'POST'],
  ];
  for (const [method, path, allow] of wrong)
    t.match(await ask(port, method, path), { status: 405, headers: { allow } }, `${method} ${path}`);
  t.strictSame(clearings, []);
});

await t.test('a body that is no reason, and a stranger, clear nothing', async (t) => {
  const { port, clearings } = await startGuardAdmin(t, [aGuard()], { config: { token: 's3cret' } });
  const authorization = 'Bearer s3cret';
  const clear = (headers: Record<string, string>, body?: string) =>
    ask(port, 'POST', '/api/guard/facts/clear', body, headers);
  t.match(await clear({}), { status: 401, headers: { 'www-authenticate': /^Basic realm=/ } });
  t.match(await clear({ authorization, origin: 'http://evil.example' }), { status: 403 });
  t.match(await clear({ authorization, host: 'evil.example' }), { status: 421 });
  t.match(await ask(port, 'GET', '/api/guard'), { status: 401 });
  for (const body of ['{', '[]', '{"why": 3}', '{"who": "x"}', JSON.stringify({ why: 'x'.repeat(501) })])
    t.match(await clear({ authorization }, body), { status: 400 }, body.slice(0, 20));
  t.match(await clear({ authorization }, JSON.stringify({ why: 'x'.repeat(20_000) })), {
    status: 400,
    json: { title: 'The body is larger than 16384 bytes' },
  });
  t.strictSame(clearings, []);
  t.match(await clear({ authorization }), { status: 200 });
});

await t.test('where nothing is guarded the list is empty', async (t) => {
  const { port } = await startRolloutAdmin(t, []);
  t.strictSame((await ask(port, 'GET', '/api/guard')).json, { guards: [] });
  t.match(await ask(port, 'GET', '/api/guard/facts'), { status: 404 });
  t.match(await ask(port, 'POST', '/api/guard/facts/clear'), { status: 404 });
});
