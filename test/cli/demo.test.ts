import { createServer } from 'node:net';
import t from 'tap';
import { request, until } from '../support/client.ts';
import { startDemo } from '../support/demo.ts';

await t.test('the demo serves a fact with its version, the page, and the admin port it names', async (t) => {
  // So that the usual admin port is taken, by us or by somebody else.
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.once('error', () => resolve());
    taken.listen(9901, '127.0.0.1', resolve);
  });
  t.teardown(() => taken.close());
  const demo = await startDemo(t);
  const { port, adminPort } = demo;
  t.not(adminPort, 9901);
  const answer = await request(port, '/fact/', { headers: { 'x-user-id': '1' } });
  t.match(answer, {
    status: 200,
    headers: { 'x-api-version': /^[01]$/, 'content-type': 'application/json' },
  });
  t.ok((JSON.parse(answer.body) as { fact: string }).fact.length > 10);
  t.match(await request(port, '/'), { status: 200, body: /<!doctype html>/i });
  t.match(await request(adminPort, '/readyz'), {
    status: 200,
    body: /raccoon_facts_api in_progress at 25 %/,
  });
  demo.child.kill('SIGINT');
  t.match(await demo.ended, { code: 0, stderr: '' });
});

await t.test('--fast takes everybody to v1 in ten seconds, and nobody back', async (t) => {
  const demo = await startDemo(t, '--fast');
  await until(() => demo.output.stdout.includes('completed'), 'everyone on v1', 30_000);
  demo.child.kill('SIGINT');
  const { code, stdout, stderr } = await demo.ended;
  t.match({ code, stderr }, { code: 0, stderr: '' });
  const stages = [
    ...stdout.matchAll(
      /0:(\d\d) +(\d+) % +(\d+) of 100 visitors on v1 +(\d+) moved forward +(\d+) moved back/g,
    ),
  ].map((numbers) => numbers.slice(1).map(Number));
  const [first = 0, second = 0] = stages.map(([, , onV1]) => onV1);
  t.same(
    stages.map(([, ...numbers]) => numbers),
    [
      [25, first, 0, 0],
      [50, second, second - first, 0],
      [100, 100, 100 - first, 0],
    ],
  );
  // A raise is made by the first request after its moment, which a busy machine may keep waiting.
  for (const [stage, [at = Infinity]] of stages.entries())
    t.ok(at >= stage * 5 && at < stage * 5 + 4, `stage ${stage} after ${at} s`);
});
