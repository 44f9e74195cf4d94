import { until } from '../support/client.ts';
import { data, flags, frame, headers, speakFrames, types, type Field } from '../support/frames.ts';
import { hear, serves, statusOf, takeMessage } from '../support/wire.ts';
import { good, servesOn, type Run } from './behaviour.ts';

const head = 'POST /fact/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** A body that goes wrong when its request is on its way already: what is upstream must never become whole. */
export const neverCompletes: Run = async (t, { door, recorded: { port, upstream } }) => {
  for (const bad of [
    'zz\r\nmore\r\n',
    '-4\r\nmore\r\n',
    '+4\r\nmore\r\n',
    '0x4\r\nmore\r\n',
    '10000000000000004\r\nmore\r\n',
    '4\nmore\r\n',
    '4\r\nmore!\r\n',
    '3\r\nmore\r\n',
  ]) {
    const [whole, cut, start] = [upstream.messages.length, upstream.cut.length, upstream.bytes().length];
    const socket = await door.connect(port);
    const heard = hear(socket);
    socket.write(`${head}4\r\ngood\r\n`);
    await until(() => upstream.bytes().slice(start).includes('good'), 'the upload is under way');
    socket.write(`${bad}0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    const { answers, ended } = await heard;
    t.match(
      [answers.map(statusOf).join(), ended],
      [/^(400)?$/, true],
      `${JSON.stringify(bad)}: cut or refused`,
    );
    await until(() => upstream.cut.length > cut, 'a cut upstream');
    t.equal(takeMessage(`${upstream.cut.at(-1)}\r\n`), undefined, 'no whole request upstream');
    t.equal(upstream.messages.length, whole);
  }
};

/** The same with HTTP/2, where DATA may be more or less than what Content-Length says (RFC 9113 §8.1.1). */
export const lengthsAgree: Run = async (t, { door, recorded: { port, upstream } }) => {
  for (const [length, rest] of [
    ['10', 'less'],
    ['5', 'more and more'],
    ['4', 'more'],
  ] as const) {
    const name = `${length} announced, 4 and ${rest.length} sent`;
    const [whole, start] = [upstream.messages.length, upstream.bytes().length];
    const client = speakFrames(await door.connect(port));
    const fields: Field[] = [['content-length', length]];
    client.send(headers(1, good('/fact/', fields, 'POST'), false), data(1, 'good', false));
    // A body that is complete already waits for nobody.
    if (length !== '4')
      await until(() => upstream.bytes().slice(start).includes('good'), 'the upload is under way');
    client.send(data(1, rest));
    const { status, reset } = await client.over(1);
    // Node 20 resets the stream, later ones end the connection.
    const cut = reset ?? client.gone();
    t.ok(cut !== undefined || status === 400 || length === '4', `${name}: cut or refused`);
    const seen = () => upstream.messages.slice(whole);
    await until(() => length === '4' || upstream.cut.some((one) => one.includes('good')), 'a cut upstream');
    t.ok(
      seen().every(({ body }) => length === '4' && body === 'good'),
      `${name}: none whole upstream but one as it was announced`,
    );
    const next = client.gone() === undefined ? client : speakFrames(await door.connect(port));
    await servesOn(t, next, 3, name);
    t.notMatch(upstream.messages.at(-1)?.bytes, /more/, `${name}: and nothing is left over`);
    upstream.cut.length = 0;
  }
};

export const chunkExtensions: Run = async (t, { door, recorded: { port, upstream } }) => {
  const to = { port: () => door.connect(port), upstream };
  const close = head.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
  for (const [first, last] of [
    ['4;name=value', '0'],
    ['4;a=1;b="two"', '0;c="d"'],
    [`4;long=${'x'.repeat(1000)}`, '0'],
  ] as const) {
    const message = await serves(t, to, `${close}${first}\r\ngood\r\n${last}\r\n\r\n`, first);
    t.match(message?.bytes, /\r\n\r\n4\r\ngood\r\n0\r\n\r\n$/, 'no extension upstream');
  }
  const whole = upstream.messages.length;
  const socket = await door.connect(port);
  socket.write(`${head}4;${'x'.repeat(20 * 1024)}\r\ngood\r\n0\r\n\r\n`);
  const { answers, ended } = await hear(socket);
  t.match([answers.map(statusOf).join(), ended], [/^(400|413)?$/, true], 'one of 20 KiB is cut off');
  t.equal(upstream.messages.length, whole);
};

/** DATA on the first stream with so much padding. */
const pad = (bytes: string, padding: number, flag = 0) =>
  frame(types.data, flags.padded | flag, 1, `${String.fromCharCode(padding)}${bytes}${'\0'.repeat(padding)}`);

/** HTTP/2 has no chunks. What it has beside the bytes of a body is padding, and that goes no further either. */
export const padded: Run = async (t, { door, recorded: { port, upstream } }) => {
  const client = speakFrames(await door.connect(port));
  client.send(
    headers(1, good('/fact/', [], 'POST'), false),
    pad('go', 255),
    pad('', 200),
    pad('od', 3, flags.endStream),
  );
  t.match(await client.over(1), { status: 200, ended: true });
  const message = upstream.messages.at(-1);
  t.same([message?.body, message?.values('transfer-encoding')], ['good', ['chunked']]);
  t.notMatch(message?.bytes, /\0/, 'no padding upstream');

  // Padding that is longer than its frame would be taken from the next one.
  const whole = upstream.messages.length;
  client.send(headers(3, good('/fact/', [], 'POST'), false), frame(types.data, 9, 3, '\xffgood'));
  await client.over(3);
  t.equal(client.fateOf(3).status, undefined, 'refused');
  t.equal(client.gone(), 1, 'and the connection ended');
  t.equal(upstream.messages.length, whole);
};
