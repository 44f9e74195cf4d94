import t from 'tap';
import { refuses, serves, startWire } from '../support/wire.ts';

const wire = await startWire(t);
const line = 'GET /fact/ HTTP/1.1\r\n';
const fixed = 'Host: client.example\r\nConnection: close\r\n';
/** As many headers, without a wish to close: that the connection ends must be the proxy's doing. */
const kept = 'Host: client.example\r\nX-Kept: 1\r\n';

/** `count` short headers, numbered. */
const numbered = (count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `x${i + first}: ${i + first}\r\n`).join('');

// To drop headers past a limit in silence would drop a Content-Length or an Authorization hidden behind them: the
// proxy would then frame, or admit, another request than the one that was sent.
await t.test('18 header bytes up to the limit all arrive, above it: 431', async (t) => {
  const size = 16 * 1024;
  const rest = `${line}${fixed}X-Last: here\r\n\r\n`.length;
  for (const name of ['one long header', 'eighty of them']) {
    const parts = name === 'one long header' ? 1 : 80;
    const each = Math.floor((size - rest) / parts) - 'X-00: \r\n'.length;
    const values = Array.from({ length: parts }, (_, i) => `${i % 10}`.repeat(each));
    const headers = values.map((value, i) => `X-${String(i).padStart(2, '0')}: ${value}\r\n`).join('');
    const pad = ' '.repeat(size - rest - headers.length);
    const whole = `${line}${fixed}${headers}X-Last: ${pad}here\r\n\r\n`;
    t.equal(whole.length, size, 'a head of exactly 16 KiB');
    const message = await serves(t, wire, whole, name);
    t.same(
      values.map((_, i) => message?.values(`x-${String(i).padStart(2, '0')}`)),
      values.map((value) => [value]),
      `${name}: every byte of every header`,
    );
    t.same(message?.values('x-last'), ['here']);
  }
  for (const over of [
    `X-A: ${'a'.repeat(size)}\r\n`,
    `X-${'a'.repeat(size)}: 1\r\n`,
    `X-A: ${'a'.repeat(200)}\r\n`.repeat(90),
  ])
    await refuses(t, wire, `${line}${kept}${over}\r\n`, 431, `${over.slice(0, 8)}… of ${over.length} bytes`);
  await refuses(t, wire, `${line}${kept}X-A: ${'a'.repeat(1024 * 1024)}\r\n\r\n`, 431, 'a mebibyte');
});

// Node stops counting headers at a thousand or so and keeps silent about the rest.
await t.test('19 as many headers as the limit all arrive, above it: 431', async (t) => {
  const message = await serves(t, wire, `${line}${fixed}${numbered(98)}\r\n`, '100 headers');
  t.same(
    Array.from({ length: 98 }, (_, i) => message?.values(`x${i}`)),
    Array.from({ length: 98 }, (_, i) => [`${i}`]),
    'every one arrives',
  );
  await refuses(t, wire, `${line}${kept}${numbered(99)}\r\n`, 431, '101 headers');
  await refuses(t, wire, `${line}${kept}${'a:\r\n'.repeat(99)}\r\n`, 431, '101, most of one name');
  for (const many of [200, 999, 1000, 1001, 1999, 2000, 2001, 2500]) {
    const body = 'GET /admin HTTP/1.1\r\nX-Rest: ';
    const hidden = `${'a:\r\n'.repeat(many)}Content-Length: ${body.length}\r\n`;
    const post = line.replace('GET', 'POST');
    await refuses(t, wire, `${post}${kept}${hidden}\r\n${body}`, 431, `a length behind ${many} headers`);
  }
});

await t.test('20 a target up to the limit arrives, above it: 414', async (t) => {
  const size = 8 * 1024;
  const forms = [
    (length: number) => `/${'a'.repeat(length - 1)}`,
    (length: number) => `/?${'a'.repeat(length - 2)}`,
    (length: number) => `/${'%2F'.repeat(length).slice(0, length - 1)}`,
  ];
  for (const form of forms) {
    const target = form(size);
    const name = `${target.slice(0, 4)}…`;
    const message = await serves(t, wire, `GET ${target} HTTP/1.1\r\n${fixed}\r\n`, name);
    t.equal(message?.startLine, `GET ${target} HTTP/1.1`, `${name}: every byte`);
    await refuses(t, wire, `GET ${form(size + 1)} HTTP/1.1\r\n${kept}\r\n`, 414, `${name} with one more`);
  }
  const authority = 'http://client.example';
  await refuses(t, wire, `GET ${authority}${forms[0]?.(size)} HTTP/1.1\r\n${kept}\r\n`, 414, 'absolute form');
  // Past the limit of the whole head both refusals are true.
  for (const length of [15 * 1024, 20 * 1024, 200 * 1024])
    await refuses(
      t,
      wire,
      `GET ${forms[0]?.(length)} HTTP/1.1\r\n${kept}\r\n`,
      [414, 431],
      `${length} bytes`,
    );
});
