import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

await t.test('bytes that are no text', async (t) => {
  t.strictSame(await problemsOf(`${minimal}log: "\0"`), ['3:7 U+0000 is a control character, not text']);
  t.strictSame(await problemsOf(`${minimal}log: "\u001b[31m"`), [
    '3:7 U+001B is a control character, not text',
  ]);
  t.strictSame(await problemsOf(Buffer.from([0x61, 0x3a, 0x20, 0xff])), ['1:1 the file is not UTF-8 text']);
  t.strictSame(await problemsOf(Buffer.from(minimal, 'utf16le')), [
    '1:2 U+0000 is a control character, not text',
  ]);
});

await t.test('a byte order mark and Windows line ends do no harm', async (t) => {
  t.strictSame(await problemsOf(`\ufeff${minimal.replaceAll('\n', '\r\n')}log: 3\r\n`), [
    '3:6 log: found 3 (a number); expected a map',
  ]);
});

await t.test('what is shown cannot steer a terminal', async (t) => {
  const problems = (
    await problemsOf(`${minimal}"a\\e[31m\u202e": 1\nlog: { level: "\\e]0;x\\a\u200f" }`)
  ).join('\n');
  t.match(problems, 'unknown key');
  t.match(problems, 'log.level');
  t.notMatch(problems, /[^\P{C}\n]/u);
});
