import { join } from 'node:path';
import t, { type Test } from 'tap';
import { request, until } from '../support/client.ts';
import { start, startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { onTerminal, skipWithoutTerminal } from '../support/terminal.ts';
import { startUpstream, unusedPort } from '../support/upstream.ts';

const upstream = await startUpstream(t, (_req, res) => res.end('served'));
const files = (port: number, format: string) => ({
  'trenchcoat.yaml': `listen: 127.0.0.1:${port}\nadmin: off\n${flagged(upstream.url, upstream.url, `log: { format: ${format} }`)}`,
  'flags.yaml': evenFlags,
});

/** What a terminal, or a pipe, gets to see of a request for a path. */
async function shownOnTerminal(t: Test, path: string, format: string, env = {}): Promise<string> {
  const port = await unusedPort();
  const folder = t.testdir(files(port, format));
  const { child, seen, ended } = onTerminal(t, ['run', '-c', join(folder, 'trenchcoat.yaml')], { env });
  await until(() => seen.text.includes('ready'), 'it is ready', 15_000);
  await request(port, path, { headers: { cookie: 'uid=bob' } });
  await until(() => seen.text.includes('/fact/'), 'the request is shown');
  child.stdin.write('\u0003');
  await ended;
  return seen.text;
}

const skip = skipWithoutTerminal;
const line = String.raw`\[\d\d:\d\d:\d\d\.\d{3}\]  INFO: GET {4}/fact/a? {17,18} 200 1 TARGET_MATCH \d+\.\dms`;

await t.test('on a terminal a request is a line for people', { skip }, async (t) => {
  const text = await shownOnTerminal(t, '/fact/a', 'auto', { NO_COLOR: '1' });
  t.match(text, new RegExp(`^${line}\r$`, 'm'));
  t.match(text, /INFO: ready \{.*"port":\d+.*\}\r$/m);
  t.notMatch(text, '\u001b', 'no colours where they are not wanted');
});

await t.test('in colours', { skip }, async (t) => {
  const text = await shownOnTerminal(t, '/fact/a', 'auto');
  t.match(text, '\u001b[32mINFO\u001b[39m');
  // oxlint-disable-next-line no-control-regex -- the colours are what is taken out
  t.match(text.replaceAll(/\u001b\[\d+m/g, ''), new RegExp(`^${line}\r$`, 'm'));
});

await t.test('a long path gives way to what follows it', { skip }, async (t) => {
  const text = await shownOnTerminal(t, `/fact/${'a'.repeat(500)}`, 'auto', { NO_COLOR: '1' });
  const shown = text.split('\r\n').find((line) => line.includes('/fact/')) ?? '';
  t.notMatch(text, /\n\r?\n/, 'no line is empty');
  t.match(shown, /\/fact\/a{20,}… 200 1 TARGET_MATCH \d+\.\dms$/);
  t.ok(shown.length <= 100, `${shown.length} columns`);
});

await t.test('format: json is JSON on a terminal, too', { skip }, async (t) => {
  const text = await shownOnTerminal(t, '/fact/a', 'json');
  for (const line of text.replaceAll('^C', '').split('\r\n').slice(0, -1)) t.type(JSON.parse(line), 'object');
});

await t.test('elsewhere it is JSON', async (t) => {
  const folder = t.testdir(files(0, 'auto'));
  const { port, child, ended } = await startRun(t, join(folder, 'trenchcoat.yaml'));
  await request(port, '/fact/');
  child.kill('SIGTERM');
  for (const line of (await ended).stdout.split('\n').slice(0, -1)) t.type(JSON.parse(line), 'object');
});

await t.test('format: pretty is for people without a terminal, too, and without colours', async (t) => {
  const port = await unusedPort();
  const folder = t.testdir(files(port, 'pretty'));
  const { child, ended, output } = start(t, ['run', '-c', join(folder, 'trenchcoat.yaml')]);
  await until(() => output.stdout.includes('INFO: ready'), 'it is ready', 15_000);
  await request(port, '/fact/', { headers: { cookie: 'uid=bob' } });
  child.kill('SIGTERM');
  const { stdout } = await ended;
  t.match(stdout, new RegExp(`^${line}$`, 'm'));
  t.notMatch(stdout, '\u001b');
});
