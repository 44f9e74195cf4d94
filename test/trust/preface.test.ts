import t from 'tap';
import { isHttp2 } from '../../src/proxy/preface.ts';
import { accepted, writePieces } from '../support/accepted.ts';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const code = (error: unknown) => (error as { code?: string }).code ?? String(error);

async function judged(t: Parameters<typeof accepted>[0], pieces: readonly string[], ends = false) {
  const { client, socket } = await accepted(t);
  const found = isHttp2(socket, 200).catch(code);
  await writePieces(client, pieces);
  if (ends) client.end();
  const said = await found;
  return { said, bytes: (socket.read() as Buffer | null)?.toString('latin1') ?? '' };
}

await t.test(
  'a client that begins with the preface speaks HTTP/2, in whatever pieces it comes',
  async (t) => {
    for (const pieces of [
      [preface],
      [`${preface}\0\0\0\x04`],
      preface.split(''),
      ['PRI * HTTP/2.0\r\n\r\n', 'SM\r\n\r\n'],
    ])
      t.same(await judged(t, pieces), { said: true, bytes: pieces.join('') });
  },
);

await t.test('any other byte makes it HTTP/1.1, at once', async (t) => {
  for (const text of [
    'G',
    'GET / HTTP/1.1\r\n\r\n',
    'PRO',
    'PRI * HTTP/2.1',
    'PRI * HTTP/2.0\r\nHost: a\r\n\r\n',
    '\r',
  ])
    t.same(await judged(t, [text]), { said: false, bytes: text }, JSON.stringify(text));
  for (let i = 0; i < preface.length; i += 1) {
    const text = `${preface.slice(0, i)}\x7f`;
    t.same(await judged(t, [text]), { said: false, bytes: text }, `differs at ${i}`);
  }
});

await t.test('who stops in the midst of it is late, and who ends there is HTTP/1.1', async (t) => {
  t.same(await judged(t, [preface.slice(0, -1)]), { said: 'head_timeout', bytes: preface.slice(0, -1) });
  t.same(await judged(t, []), { said: 'head_timeout', bytes: '' });
  t.same(await judged(t, ['PRI'], true), { said: false, bytes: 'PRI' });
  t.same(await judged(t, [], true), { said: 'client_closed', bytes: '' });
});
