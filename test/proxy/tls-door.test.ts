import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import t from 'tap';
import { authority } from '../support/authority.ts';
import { until } from '../support/client.ts';
import { meet, openTlsDoor } from '../support/tls-door.ts';

const ours = authority();
const theirs = authority('Another authority');
const folder = t.testdir({ ...ours.issue(), ca: ours.cert });
const [cert, key, ca] = ['cert', 'key', 'ca'].map((name) => join(folder, name)) as [string, string, string];

await t.test('client and proxy agree on a protocol', async (t) => {
  const table: [boolean, string[] | undefined, string | false | undefined][] = [
    [true, ['h2', 'http/1.1'], 'h2'],
    [true, ['http/1.1', 'h2'], 'h2'],
    [true, ['http/1.1'], 'http/1.1'],
    [true, undefined, false],
    [false, ['h2', 'http/1.1'], 'http/1.1'],
    [false, undefined, false],
    [true, ['http/1.0', 'spdy/3'], undefined],
    [false, ['h2'], undefined],
  ];
  for (const [http2, offered, protocol] of table) {
    const door = await openTlsDoor(t, { cert, key }, { http2 });
    const { said, error } = await meet(t, door.port, offered && { ALPNProtocols: offered });
    const name = `${http2 ? 'h2 and ' : ''}http/1.1 with ${offered?.join() ?? 'nothing'}`;
    t.same(said?.['protocol'], protocol, name);
    if (protocol !== undefined) t.match(said, { below: true }, 'with the connection below');
    else {
      t.match(error, /ALERT_NO_APPLICATION_PROTOCOL/, name);
      t.same(door.failures, ['tls_protocol'], name);
    }
  }
});

await t.test('none older than minVersion is spoken', async (t) => {
  const door = await openTlsDoor(t, { cert, key, minVersion: 'TLSv1.3' });
  t.match(await meet(t, door.port), { said: { version: 'TLSv1.3' } });
  t.match(await meet(t, door.port, { maxVersion: 'TLSv1.2' }), {
    said: undefined,
    error: /ALERT_PROTOCOL_VERSION/,
  });
  t.same(door.failures, ['tls_version']);
  const lenient = await openTlsDoor(t, { cert, key });
  t.match(await meet(t, lenient.port, { maxVersion: 'TLSv1.2' }), { said: { version: 'TLSv1.2' } });
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  t.match(await meet(t, lenient.port, old), { said: undefined });
  t.same(lenient.failures, ['tls_version']);
});

await t.test('bytes that were read and put back belong to the handshake', async (t) => {
  const door = await openTlsDoor(t, { cert, key }, {}, (raw, take) =>
    raw.once('data', (bytes) => {
      raw.pause();
      raw.unshift(bytes);
      take(raw);
    }),
  );
  t.match(await meet(t, door.port), { said: { protocol: false } });
});

await t.test('a further connection resumes what was agreed before', async (t) => {
  const door = await openTlsDoor(t, { cert, key });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const session = await (await meet(t, door.port, { maxVersion })).session;
    t.match(await meet(t, door.port, { maxVersion, session }), { said: { resumed: true } }, maxVersion);
  }
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  await t.test(`clients have to show a certificate of clientCa, in ${maxVersion}`, async (t) => {
    const door = await openTlsDoor(t, { cert, key, clientCa: ca });
    const known = ours.issue({ names: ['client.example'] });
    t.match(await meet(t, door.port, { maxVersion, ...known }), { said: { client: 'client.example' } });
    t.match(await meet(t, door.port, { maxVersion }), { said: undefined });
    for (const wrong of [theirs.issue(), authority().issue(), ours.issue({ expired: true })])
      t.match(await meet(t, door.port, { maxVersion, ...wrong }), { said: undefined });
    await until(() => door.failures.length === 4, 'four failures');
    t.same(
      door.failures,
      Array.from({ length: 4 }, () => 'tls_client_certificate'),
    );
  });

await t.test('what is no handshake ends, and is named', async (t) => {
  const say = async (bytes: string | undefined, wait = 5000) => {
    const door = await openTlsDoor(t, { cert, key }, { handshakeTimeout: wait });
    const socket = net.connect(door.port, '127.0.0.1').on('error', () => {});
    if (bytes !== undefined) socket.write(bytes, 'latin1');
    await once(socket.resume(), 'close');
    return door.failures;
  };
  t.same(await say('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), ['tls_not_spoken']);
  t.same(await say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), ['tls_not_spoken']);
  t.same(await say('\x16\x03\x01\x00\x05hello'), ['tls_handshake_failed']);
  t.same(await say(undefined, 50), ['tls_handshake_timeout']);
  t.same(await say('\x16\x03\x01', 50), ['tls_handshake_timeout']);
});

await t.test('a client that leaves in the midst of a handshake is nobody’s failure', async (t) => {
  let gone = 0;
  const door = await openTlsDoor(t, { cert, key }, {}, (raw, take) => {
    raw.once('close', () => (gone += 1));
    take(raw);
  });
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const socket = net.connect(door.port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write('\x16\x03\x01', 'latin1', () => socket[leave]());
  }
  await until(() => gone === 3, 'all gone');
  t.same(door.failures, []);
});

await t.test('a handshake is not done again on a connection that stands', async (t) => {
  const door = await openTlsDoor(t, { cert, key });
  const { socket } = await meet(t, door.port, { maxVersion: 'TLSv1.2' });
  const error = await new Promise((resolve) => {
    socket.once('error', resolve);
    tls.TLSSocket.prototype.renegotiate.call(socket, {}, resolve);
  });
  t.match(error, { message: /no renegotiation/i });
});
