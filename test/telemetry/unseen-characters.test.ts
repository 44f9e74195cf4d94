import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createLog, type Log } from '../../src/telemetry/log.ts';
import { sendRaw } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** A terminal would take these for orders, or show the rest of the line elsewhere. */
const hostile = [
  ['ESC', '\u001b[2J\u001b]0;owned\u0007'],
  ['BEL, BS and CR', 'a\u0007b\bc\rd'],
  ['DEL', '\u007f'],
  ['C1: CSI, OSC, NEL', '\u009b31m\u009d0;owned\u009c\u0085'],
  ['bidi overrides', 'a\u202eb\u2066c\u200fd\u061ce'],
  ['line and paragraph separators', 'a\u2028b\u2029c'],
  ['what has no width', 'a\u200bb\ufeffc\u00add'],
  ['tags beyond the first plane', '\u{e0041}\u{e0042}'],
  ['backslashes', String.raw`\u001b \\u001b \\\u001b`],
] as const;

/** All but line ends, which end lines. */
const raw = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u;

async function written(t: Test, format: 'json' | 'pretty', say: (log: Log) => void): Promise<string> {
  const file = join(t.testdir({}), 'log');
  const log = await createLog({ level: 'info', format, access: true }, { to: file, colours: true });
  say(log);
  await log.close();
  return readFileSync(file, 'utf8');
}

const outcome = (path: string) => ({
  id: 'a',
  route: undefined,
  version: undefined,
  reason: undefined,
  method: 'GET',
  path,
  status: 404,
  durationMs: 1,
  headMs: undefined,
  bytesIn: 1,
  bytesOut: 1,
  upstream: undefined,
  error: undefined,
});

for (const [name, text] of hostile) {
  await t.test(`${name} in JSON: escaped, and the same once it is read`, async (t) => {
    const lines = await written(t, 'json', (log) => {
      log.access(outcome(text));
      log.warn({ [text]: text, err: new Error(text) }, text);
    });
    t.notMatch(lines, raw);
    const [request, message, ...rest] = lines.split('\n');
    t.strictSame(rest, ['']);
    t.match(JSON.parse(request ?? ''), { path: text });
    t.match(JSON.parse(message ?? ''), { msg: text, [text]: text, err: { message: text } });
  });

  await t.test(`${name} for people: escaped, too`, async (t) => {
    const lines = await written(t, 'pretty', (log) => {
      log.access(outcome(text));
      log.warn({ [text]: text, err: new Error(text) }, text);
    });
    t.notMatch(lines, raw);
    t.match(lines, /GET/);
  });
}

await t.test('a line end in a text makes no line that looks like one of ours', async (t) => {
  const forged = 'x\n[15:00:00.000] ERROR: forged';
  const lines = await written(t, 'pretty', (log) =>
    log.warn({ why: forged, err: new Error(forged) }, forged),
  );
  t.equal(lines.match(/^\[/gm)?.length, 1);
});

await t.test('over the wire they do not even get that far', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  for (const byte of ['\u0007', '\u001b', '\u007f', '\u0085', '\u009b', '\u00ad']) {
    const answer = await sendRaw(proxy.port, `GET /${byte}[31m HTTP/1.1\r\nHost: a\r\n\r\n`, false);
    t.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(byte));
  }
  await proxy.stop();
  t.notMatch(proxy.logText(), raw);
});
