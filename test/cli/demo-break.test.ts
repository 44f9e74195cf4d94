import t from 'tap';
import { request, until } from '../support/client.ts';
import { runHere } from '../support/command.ts';
import { startDemo } from '../support/demo.ts';

await t.test('--break-v1: v1 fails at 50 %, and within seconds everybody is back on v0', async (t) => {
  const demo = await startDemo(t, '--fast', '--break-v1');
  t.match(demo.output.stdout, /until v1 fails and the guard takes everybody back:\n/);
  await until(() => demo.output.stdout.includes('everybody is on v0'), 'everybody is back', 40_000);
  t.match(
    demo.output.stdout,
    new RegExp(
      [
        String.raw`0:0\d +50 % +\d+ of 100 visitors on v1 `,
        String.raw`v1 begins to fail: `,
        String.raw`0:\d\d +v1 failed \d+ of \d+ users \(\d+\.\d %\), v0 0 of \d+ \(0\.0 %\): evidence (over )?1 : \S+\n`,
        String.raw`0:\d\d +0 % +0 of 100 visitors on v1 .* reverted: everybody is on v0\n`,
      ].join('[^]*'),
    ),
  );

  const headers = { 'x-user-id': 'visitor-1' };
  t.match(await request(demo.port, '/fact/', { headers }), {
    status: 200,
    headers: { 'x-api-version': '0' },
  });
  const admin = `http://127.0.0.1:${demo.adminPort}`;
  t.match(await runHere(t, ['guard', 'status', '--admin', admin]), {
    code: 0,
    stdout: /^facts: v1 was found worse than v0 [^]*\n {2}done {6}everybody is taken back to v0\n/,
  });
  t.match(await runHere(t, ['rollout', 'watch', '--admin', admin]), {
    code: 0,
    stdout: /^raccoon_facts_api: reverted, 0 %; guard: v1 failed /,
  });
  demo.child.kill('SIGINT');
  t.match(await demo.ended, { code: 0, stderr: '' });
});
