import t from 'tap';
import { ask } from '../../src/cli/admin-client.ts';
import type { Rollout } from '../../src/cli/rollout-text.ts';
import { watchRollout, type Screen } from '../../src/cli/rollout-watch.ts';
import { until } from '../support/client.ts';
import { runHere, start } from '../support/command.ts';
import { aRollout, startRolloutAdmin } from '../support/rollout-admin.ts';
import { onTerminal, skipWithoutTerminal } from '../support/terminal.ts';

const reverted = aRollout({ status: 'reverted', percent: 0, stage: undefined, leftMs: undefined });

/** Watches in this process, with a look every few milliseconds; off a terminal unless `columns` are given. */
function watched(url: string, more: Partial<Screen> = {}) {
  const said = { out: '', err: '', looks: 0 };
  const ended = watchRollout(
    async () => {
      said.looks++;
      return (await ask({ url: new URL(url) }, { method: 'GET', path: '/api/rollouts/facts' })) as Rollout;
    },
    {
      write: (text) => (said.out += text),
      note: (text) => (said.err += text),
      columns: undefined,
      json: false,
      ...more,
    },
    new AbortController().signal,
    5,
  );
  const looksMore = async () => {
    const enough = said.looks + 3;
    await until(() => said.looks >= enough, 'three more looks');
  };
  return { said, ended, looksMore };
}

await t.test('off a terminal there is a line for each change, until the rollout is over', async (t) => {
  const { url, shown } = await startRolloutAdmin(t, [aRollout()]);
  const { said, ended, looksMore } = watched(url);
  await looksMore();
  shown[0] = aRollout({ leftMs: 1, revision: 3 });
  await looksMore();
  for (const percent of [50, 60]) {
    shown[0] = aRollout({ percent, stage: 1 });
    await looksMore();
  }
  shown[0] = reverted;
  await ended;
  t.equal(
    said.out,
    'facts: in progress, 25 %, stage 1 of 2\n' +
      'facts: in progress, 50 %, stage 2 of 2\n' +
      'facts: in progress, 60 %, stage 2 of 2\n' +
      'facts: reverted, 0 %; person: the raccoons are ready\n',
  );
  t.equal(said.err, '');
});

await t.test('with --json each change is the whole rollout, on one line', async (t) => {
  const { url, shown } = await startRolloutAdmin(t, [aRollout()]);
  const { said, ended, looksMore } = watched(url, { json: true });
  await looksMore();
  shown[0] = reverted;
  await ended;
  t.equal(said.out, `${JSON.stringify(aRollout())}\n${JSON.stringify(reverted)}\n`);
});

for (const columns of [undefined, () => 60]) {
  const where = columns === undefined ? 'off' : 'on';
  await t.test(`a proxy that goes away is said once, and waited for, ${where} a terminal`, async (t) => {
    const first = await startRolloutAdmin(t, [aRollout()]);
    const { said, ended, looksMore } = watched(first.url, { columns });
    await looksMore();
    await first.close();
    await until(() => said.err !== '', 'it is said');
    await looksMore();
    const address = { host: '127.0.0.1', port: first.port };
    await startRolloutAdmin(t, [reverted], { config: { address } });
    await ended;
    // Refused, or cut off while it was answering.
    t.match(said.err, new RegExp(`^[^\\n]*trenchcoat: [^\\n]*${first.url}[^\\n]*; trying on\\n$`));
    t.equal(said.err.startsWith('\r\u001b[K'), columns !== undefined, 'in the place of the live line');
    t.match(said.out, /facts: reverted, 0 %/);
    if (columns === undefined) t.equal(said.out.split('\n').length, 3, 'two changes');
  });
}

await t.test('a rollout that is no more ends the watch', async (t) => {
  const { url, shown } = await startRolloutAdmin(t, [aRollout()]);
  const { ended, looksMore } = watched(url);
  await looksMore();
  shown.pop();
  await t.rejects(ended, { name: 'UserError', message: 'there is no rollout of the flag "facts"' });
});

await t.test('the command tells a rollout that is over at once, and where nothing runs', async (t) => {
  const { url, close } = await startRolloutAdmin(t, [reverted]);
  const args = ['rollout', 'watch', '--admin', url];
  t.strictSame(await runHere(t, args), {
    code: 0,
    stdout: 'facts: reverted, 0 %; person: the raccoons are ready\n',
    stderr: '',
  });
  t.equal((await runHere(t, [...args, '--json'])).stdout, `${JSON.stringify(reverted)}\n`);
  await close();
  t.match(await runHere(t, args), { code: 2, stdout: '', stderr: /nothing listens/ });
});

await t.test('Ctrl-C, and a reader that leaves, end a watch with 0', async (t) => {
  const { url, shown } = await startRolloutAdmin(t, [aRollout()]);
  const args = ['rollout', 'watch', '--admin', url];
  const interrupted = start(t, args);
  const left = start(t, args);
  await until(() => interrupted.output.stdout !== '' && left.output.stdout !== '', 'both watch', 15_000);
  interrupted.child.kill('SIGINT');
  t.match(await interrupted.ended, { code: 0, signal: null, stderr: '' });
  left.child.stdout?.destroy();
  shown[0] = aRollout({ percent: 50, stage: 1 });
  t.match(await left.ended, { code: 0, signal: null, stderr: '' });
});

await t.test(
  'on a terminal there is one live line, and the cursor comes back',
  { skip: skipWithoutTerminal },
  async (t) => {
    const { url, shown } = await startRolloutAdmin(t, [aRollout()]);
    const watching = () => onTerminal(t, ['rollout', 'watch', '--admin', url], { columns: 60 });
    const drawn = '\r\u001b[K[#######--------------------]  25 %  stage 1 of 2  42s left';
    const followed = watching();
    const interrupted = watching();
    const twice = (text: string) => text.split(drawn).length > 2;
    await until(
      () => twice(followed.seen.text) && twice(interrupted.seen.text),
      'drawn and drawn anew',
      15_000,
    );
    interrupted.child.stdin.write('\u0003');
    t.strictSame(await interrupted.ended, [0, null]);
    t.ok(interrupted.seen.text.startsWith('\u001b[?25l\r\u001b[K['));
    t.ok(interrupted.seen.text.endsWith('\n\u001b[?25h'));
    t.equal(interrupted.seen.text.split('\n').length, 2, 'the line stays, and no other');
    shown[0] = reverted;
    t.strictSame(await followed.ended, [0, null]);
    t.ok(
      followed.seen.text.endsWith(
        '\r\u001b[Kfacts: reverted, 0 %; person: the raccoons are ready\r\n\u001b[?25h',
      ),
    );
    t.equal(followed.seen.text.split('\n').length, 2, 'no other line');
  },
);
