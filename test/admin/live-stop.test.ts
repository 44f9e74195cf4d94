import t from 'tap';
import { join } from 'node:path';
import { startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { look } from '../support/viewer.ts';

await t.test('a process ends while somebody looks on, and its log is nothing but a log', async (t) => {
  const nowhere = 'http://127.0.0.1:9';
  const folder = t.testdir({
    'trenchcoat.yaml': `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${flagged(nowhere, nowhere)}`,
    'flags.yaml': evenFlags,
  });
  const { child, ended, adminPort } = await startRun(t, join(folder, 'trenchcoat.yaml'));
  for (let i = 0; i < 5; i += 1) {
    const viewer = await look(t, adminPort);
    // In the midst of an answer, and before it.
    if (i % 2 === 0) await viewer.sees(1);
    viewer.leave();
  }
  const stays = [await look(t, adminPort), await look(t, adminPort, { reads: false })];
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  await Promise.all(stays.map(({ gone }) => gone));
  t.equal(code, 0);
  t.equal(stderr, '');
  for (const line of stdout.trim().split('\n')) t.doesNotThrow(() => JSON.parse(line), line);
});
