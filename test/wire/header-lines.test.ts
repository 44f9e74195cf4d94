import t from 'tap';
import { get, refuses, serves, startWire } from '../support/wire.ts';

const wire = await startWire(t);
const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;
const good = 'GET /fact/ HTTP/1.1';
const host = 'Host: client.example';
const refuseAll = async (t: Tap, heads: readonly string[]) => {
  for (const bytes of heads) await refuses(t, wire, bytes, 400);
};
type Tap = Parameters<typeof refuses>[0];

// To one parser a line ends here, to the other it goes on: what the first takes for a header of its own, or for
// the end of the head, the second has never seen.
await t.test('07 a bare LF never ends a line', async (t) => {
  await refuseAll(t, [
    `${good}\n${host}\r\n\r\n`,
    `${good}\r\n${host}\n\r\n`,
    `${good}\r\n${host}\r\n\n`,
    `${good}\r\n${host}\n\n`,
    `${good}\n${host}\n\n`,
    head(good, host, 'X-A: 1\nTransfer-Encoding: chunked'),
    head(good, host, 'X-A: 1\nContent-Length: 50'),
    head(good, host, '\nX-A: 1'),
    head(good, host, 'X-A\n: 1'),
    head('GET /fact/\nHTTP/1.1', host),
  ]);
});

await t.test('08 a bare CR is neither a line end nor part of a value', async (t) => {
  await refuseAll(t, [
    `${good}\r${host}\r\n\r\n`,
    `${good}\r\n${host}\r\r\n\r\n`,
    `${good}\r\n${host}\r\n\r\r\n`,
    `${good}\r\n${host}\r\n\rX\r\n\r\n`,
    head(good, host, 'X-A: 1\rTransfer-Encoding: chunked'),
    head(good, host, 'X-A: a\rb'),
    head(good, host, '\rX-A: a'),
    head(good, host, 'X-A\r: a'),
    head(good, `${host}\rX-A: 1`),
    head('GET /fact/\rx HTTP/1.1', host),
  ]);
});

// A C string ends at NUL, a log or a terminal obeys the others; what follows is seen by one side alone.
await t.test('09 NUL and control bytes are refused, in a value as in the target', async (t) => {
  const controls = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).concat('\x7f');
  for (const byte of controls.filter((one) => !'\t\r\n'.includes(one)))
    await refuses(t, wire, head(good, host, `X-A: a${byte}b`), 400);
  for (const byte of controls.filter((one) => !'\r\n'.includes(one))) {
    await refuses(t, wire, head(`GET /fact/${byte}x HTTP/1.1`, host), 400);
    await refuses(t, wire, head(`GET /fact/?q=${byte} HTTP/1.1`, host), 400);
  }
  await refuseAll(t, [
    head(good, host, 'X-A: \x00'),
    head(good, host, 'Cookie: uid=a\x00lice'),
    head(good, 'Host: client.example\x00.evil.example'),
    head(good, host, 'Content-Length: 0\x00'),
    head('G\x00ET /fact/ HTTP/1.1', host),
    head('GET /fact/ HTTP/1.1\x00', host),
    head('GET /fact/ HTTP/1.1 ', host),
    head('GET /fact/ x HTTP/1.1', host),
  ]);
});

await t.test('a tab within a value, and bytes beyond ASCII, are no control bytes', async (t) => {
  const message = await serves(t, wire, get('/fact/', 'X-A: a\tb\r\nX-B: \xe9\x80\xff\r\n'));
  t.same([message?.values('x-a'), message?.values('x-b')], [['a\tb'], ['\xe9\x80\xff']]);
});

// A folded line is a value's second half to one parser, and a header or nothing to the other.
await t.test('10 a folded header line is refused', async (t) => {
  await refuseAll(t, [
    head(good, host, 'X-A: a', ' b'),
    head(good, host, 'X-A: a', '\tb'),
    head(good, host, 'X-A:', ' b'),
    head(good, host, 'X-A: a', ' '),
    head(good, host, 'X-A: a', ' Transfer-Encoding: chunked'),
    head(good, host, 'Transfer-Encoding:', ' chunked'),
    head(good, host, 'Transfer-Encoding: chunked', ' , identity'),
    head(good, host, 'Content-Length:', '\t5'),
    head(good, host, 'Content-Length: 1', ' 0'),
    head(good, 'Host:', ' client.example'),
    head(good, ` ${host}`),
    head(good, `\t${host}`),
    head(good, ' X-A: a', host),
  ]);
});

// `Transfer-Encoding : chunked` is unknown to one side and, trimmed, the framing to the other.
await t.test('11 space before the colon is refused', async (t) => {
  await refuseAll(t, [
    head(good, host, 'Transfer-Encoding : chunked'),
    head(good, host, 'Transfer-Encoding\t: chunked'),
    head(good, host, 'Content-Length : 50'),
    head(good, host, 'Content-Length\t : 50'),
    head(good, host, 'X-A : a'),
    head(good, host, 'X-A : a', 'X-B: b'),
    head(good, 'Host : client.example'),
    head(good, host, 'Host : evil.example'),
  ]);
});

await t.test('12 a header name that is no token is refused', async (t) => {
  for (const byte of '"(),/;<=>?@[\\]{} \t\x00\x01\x0b\x7f\x80\xa0\xe9\xff')
    await refuses(t, wire, head(good, host, `X${byte}A: 1`), 400);
  await refuseAll(t, [
    head(good, host, ': 1'),
    head(good, host, ':'),
    head(good, host, 'no colon'),
    head(good, host, 'NoColon'),
    head(good, host, '\x00Transfer-Encoding: chunked'),
    head(good, host, '\xa0Transfer-Encoding: chunked'),
    head(good, host, '\xef\xbb\xbfTransfer-Encoding: chunked'),
    head(good, host, '"Transfer-Encoding": chunked'),
  ]);
});

await t.test('a token of every sign that a token may hold passes', async (t) => {
  const message = await serves(t, wire, get('/fact/', "!#$%&'*+-.^`|~09az: 1\r\n"));
  t.match(message?.bytes, "\r\n!#$%&'*+-.^`|~09az: 1\r\n");
});
