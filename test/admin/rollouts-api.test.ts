import t from 'tap';
import { askAdmin as ask } from '../support/admin-answer.ts';
import { request, sendRaw } from '../support/client.ts';
import { aRollout, startRolloutAdmin } from '../support/rollout-admin.ts';

await t.test('the rollouts are shown, all and one by one', async (t) => {
  const odd = 'a flag/with %2F & ünicode?';
  const { port, shown } = await startRolloutAdmin(t, [aRollout(), aRollout({ flag: odd })]);
  const asJson = JSON.parse(JSON.stringify(shown)) as unknown[];
  const { status, headers, json } = await ask(port, 'GET', '/api/rollouts');
  t.strictSame({ status, json }, { status: 200, json: { rollouts: asJson } });
  t.match(headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  t.strictSame((await ask(port, 'GET', '/api/rollouts/facts?x=/y')).json, asJson[0]);
  t.strictSame((await ask(port, 'GET', `/api/rollouts/${encodeURIComponent(odd)}`)).json, asJson[1]);
  t.match(await request(port, '/api/rollouts', { method: 'HEAD' }), { status: 200, body: '' });
});

await t.test('a verb acts, with its reason made printable', async (t) => {
  const { port, acts } = await startRolloutAdmin(t, [aRollout()]);
  const post = (verb: string, body?: string) => ask(port, 'POST', `/api/rollouts/facts/${verb}`, body);
  for (const verb of ['start', 'pause', 'resume', 'rollback', 'promote'])
    t.match(await post(verb), { status: 200, json: { flag: 'facts', status: 'in_progress' } }, verb);
  await post('pause', '{}');
  await post('pause', JSON.stringify({ why: 'é🦝\n\u001b[2J\u202e' }));
  await post('pause', JSON.stringify({ why: 'x'.repeat(500) }));
  t.strictSame(
    acts.map(({ verb, why }) => `${verb} ${why}`),
    ['start ', 'pause ', 'resume ', 'rollback ', 'promote ', 'pause '].concat(
      'pause é🦝\\u{a}\\u{1b}[2J\\u{202e}',
      `pause ${'x'.repeat(500)}`,
    ),
  );
});

await t.test('what is refused says why', async (t) => {
  const outcomes = { unknown: 404, refused: 409, away: 503 } as const;
  for (const [why, status] of Object.entries(outcomes) as [keyof typeof outcomes, number][]) {
    const detail = `a sentence about ${why}`;
    const { port } = await startRolloutAdmin(t, [], { act: () => ({ ok: false, why, detail }) });
    const answer = await ask(port, 'POST', '/api/rollouts/facts/pause');
    t.equal(answer.status, status);
    t.equal(answer.json.detail, why === 'unknown' ? 'there is no rollout of the flag "facts"' : detail);
  }
});

await t.test('unknown flags, verbs and paths are 404, and say what there is', async (t) => {
  const { port, acts } = await startRolloutAdmin(t, [aRollout()]);
  const details: [string, string, RegExp][] = [
    ['GET', '/api/rollouts/other', /no rollout of the flag "other"/],
    ['GET', '/api/rollouts/', /no rollout of the flag ""/],
    ['GET', '/api/rollouts/__proto__', /no rollout/],
    ['GET', '/api/rollouts/%1b%5B2J', /no rollout of the flag "\\u001b\[2J"/],
    ['GET', '/api/rollouts/%E2%80%AE', /no rollout of the flag "\\u\{202e\}"/],
    ['POST', '/api/rollouts/other/pause', /no rollout of the flag "other"/],
    ['GET', '/api/rollouts/%', /malformed/],
    ['GET', '/api/rollouts/%zz', /malformed/],
    ['POST', '/api/rollouts/%ff%fe/pause', /malformed/],
    ['POST', '/api/rollouts/facts/explode', /"explode" is no verb.*start, pause, resume, rollback, promote/],
    ['POST', '/api/rollouts/facts/advance', /no verb/],
    ['POST', '/api/rollouts/facts/constructor', /no verb/],
    ['POST', '/api/rollouts/facts/', /no verb/],
    ['GET', '/api/rollouts/facts/explode', /no verb/],
    ['POST', '/api/rollouts/facts/pause/now', /the paths are/],
    ['GET', '/api/', /the paths are/],
    ['GET', '/api/rollout', /the paths are/],
    ['GET', `/api/rollouts/${'x'.repeat(10_000)}`, /"x{57}\.\.\."/],
  ];
  for (const [method, path, detail] of details)
    t.match(
      await ask(port, method, path),
      { status: 404, json: { detail } },
      `${method} ${path.slice(0, 60)}`,
    );
  t.strictSame(
    acts.map(({ flag }) => flag),
    ['other'],
  );
});

await t.test('a wrong method is 405 and names the right one', async (t) => {
  const { port, acts } = await startRolloutAdmin(t, [aRollout()]);
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'])
    t.match(await ask(port, method, '/api/rollouts/facts/pause'), {
      status: 405,
      headers: { allow: 'POST' },
    });
  for (const path of ['/api/rollouts', '/api/rollouts/facts'])
    t.match(await ask(port, 'POST', path), { status: 405, headers: { allow: 'GET, HEAD' } });
  t.strictSame(acts, []);
});

await t.test('a body that is no reason is 400, and nothing is done', async (t) => {
  const { port, acts } = await startRolloutAdmin(t, [aRollout()]);
  const post = (body: string, headers = {}) =>
    ask(port, 'POST', '/api/rollouts/facts/rollback', body, headers);
  const bodies: [string, RegExp][] = [
    ['why=because', /not JSON/],
    ['{', /not JSON/],
    [' ', /not JSON/],
    ['null', /no JSON object/],
    ['[]', /no JSON object/],
    ['"because"', /no JSON object/],
    ['{"why": 3}', /why: expected a text/],
    ['{"why": null}', /why: expected a text/],
    ['{"__proto__": {"why": "x"}}', /unknown key "__proto__"/],
    ['{"why": "x", "force\\u001b": true}', /unknown key "force\\u001b"/],
    [JSON.stringify({ why: 'x'.repeat(501) }), /why: 501 characters.*at most 500/],
    [JSON.stringify({ why: '\u202e'.repeat(100) }), /why: 800 characters, once they are printable/],
  ];
  for (const [body, detail] of bodies)
    t.match(await post(body), { status: 400, json: { detail } }, body.slice(0, 40));
  const tooLarge = { status: 400, json: { title: 'The body is larger than 16384 bytes' } };
  const large = JSON.stringify({ why: 'x'.repeat(20_000) });
  t.match(await post(large), tooLarge);
  t.match(await post(large, { 'transfer-encoding': 'chunked' }), tooLarge);
  t.match(await post('x'.repeat(3_000_000)), tooLarge);
  const bytes = 'POST /api/rollouts/facts/pause HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
  t.match(
    await sendRaw(port, `${bytes}Content-Length: 11\r\n\r\n{"why":"\xff"}`, false),
    / 400 [^]*not JSON in UTF-8/,
  );
  t.strictSame(acts, []);
});

await t.test('Host, Origin and token come before everything', async (t) => {
  const { port, acts } = await startRolloutAdmin(t, [aRollout()], { config: { token: 's3cret' } });
  const authorization = 'Bearer s3cret';
  const post = (headers: Record<string, string>) =>
    ask(port, 'POST', '/api/rollouts/facts/rollback', undefined, headers);
  t.match(await post({}), { status: 401, headers: { 'www-authenticate': /^Basic realm=/ } });
  t.match(await post({ authorization: 'Bearer guess' }), { status: 401 });
  t.match(await post({ authorization, origin: 'http://evil.example' }), { status: 403 });
  t.match(await post({ authorization, origin: 'null' }), { status: 403 });
  t.match(await post({ authorization, host: 'evil.example' }), { status: 421 });
  t.match(await ask(port, 'GET', '/api/rollouts'), { status: 401 });
  t.match(await ask(port, 'GET', '/api/rollouts/%zz'), { status: 401 });
  t.match(await ask(port, 'POST', '/livez/../api/rollouts/facts/rollback'), { status: 401 });
  t.strictSame(acts, []);
  t.match(await post({ authorization }), { status: 200 });
  t.match(await post({ authorization, host: `localhost:${port}`, origin: `http://localhost:${port}` }), {
    status: 200,
  });
});

await t.test('where LaunchDarkly runs the rollouts, the answers say so', async (t) => {
  const { port } = await startRolloutAdmin(t, [], { rollouts: undefined });
  t.strictSame((await ask(port, 'GET', '/api/rollouts')).json, { rollouts: [], managedBy: 'launchdarkly' });
  const detail = /belong to LaunchDarkly: change the flag's rollout in LaunchDarkly$/;
  t.match(await ask(port, 'POST', '/api/rollouts/facts/start'), { status: 409, json: { detail } });
  t.match(await ask(port, 'GET', '/api/rollouts/facts'), { status: 404, json: { detail } });
  t.match(await ask(port, 'POST', '/api/rollouts/facts/explode'), { status: 404 });
});

await t.test('a fault behind the API is a plain 500', async (t) => {
  const { port } = await startRolloutAdmin(t, [aRollout()], {
    act: () => {
      throw new Error('a secret of the store');
    },
  });
  const { status, json } = await ask(port, 'POST', '/api/rollouts/facts/pause');
  t.strictSame(
    { status, title: json.title, detail: json.detail },
    {
      status: 500,
      title: 'The admin port failed',
      detail: undefined,
    },
  );
});
