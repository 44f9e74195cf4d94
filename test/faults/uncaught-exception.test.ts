import { join } from 'node:path';
import t from 'tap';
import { pathToFileURL } from 'node:url';
import { request, until } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** A fault of ours, at a moment of the test's choice. */
const faults = {
  'an exception that nobody caught': "throw new Error('a fault at large');",
  'a rejection that nobody handled': "void Promise.reject(new Error('a fault at large'));",
};

for (const [what, fault] of Object.entries(faults))
  await t.test(`${what}: what is under way ends, and so does the process, with 2`, async (t) => {
    const upstream = await startUpstream(t, (_req, res) => void setTimeout(() => res.end('late'), 500));
    const folder = t.testdir({
      'trenchcoat.yaml': `listen: 127.0.0.1:0\nadmin: off\n${flagged(upstream.url, upstream.url)}`,
      'flags.yaml': evenFlags,
      'fault.mjs': `process.on('SIGUSR2', () => { ${fault} });`,
    });
    const load = pathToFileURL(join(folder, 'fault.mjs')).href;
    const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'), { load });
    const inFlight = request(proxy.port, '/fact/');
    await until(() => upstream.seen.length === 1, 'under way');
    proxy.child.kill('SIGUSR2');
    t.match(await inFlight, { status: 200, body: 'late', cut: false });
    const { code, signal, stdout, stderr } = await proxy.ended;
    t.same({ code, signal, stderr }, { code: 2, signal: null, stderr: '' });
    const said = stdout.split('\n').filter((line) => line.includes('"level":"fatal"'));
    t.equal(said.length, 1, 'said once');
    t.match(said[0], /a fault at large.*a fault of ours; draining/);
    t.match(stdout, /"path":"\/fact\/"/, 'the last access line is not lost');
  });
