import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

const open =
  'without a token the admin address must be loopback, such as 127.0.0.1:9901; to open it, write { address, token }';

await t.test('administration without a token stays at home', async (t) => {
  for (const address of [
    '0.0.0.0:9901',
    '"[::]:9901"',
    '10.0.0.1:9901',
    'example.com:9901',
    '"[::ffff:10.0.0.1]:9901"',
  ])
    t.strictSame(await problemsOf(`${minimal}admin: ${address}`), [`3:8 admin: ${open}`], address);
  t.strictSame(await problemsOf(`${minimal}admin: { address: 0.0.0.0:9901 }`), [
    `3:19 admin.address: ${open}`,
  ]);
  for (const address of [
    '127.0.0.1:9901',
    '127.1.2.3:9901',
    '"[::1]:9901"',
    '"[0:0:0:0:0:0:0:1]:9901"',
    'localhost:9901',
  ])
    t.strictSame(await problemsOf(`${minimal}admin: ${address}`), [], address);
  t.strictSame(await problemsOf(`${minimal}admin: { address: 0.0.0.0:9901, token: x }`), []);
  t.strictSame(await problemsOf(`${minimal}admin: off`), []);
});

const both = (listen: string, admin: string) =>
  problemsOf(`${minimal}listen: "${listen}"\nadmin: "${admin}"`);

await t.test('one port is not taken twice', async (t) => {
  const taken = '`listen` and `admin` take the same port';
  t.strictSame(await both('127.0.0.1:80', '127.0.0.1:80'), [`4:8 admin: ${taken}`]);
  t.strictSame(await both('0.0.0.0:80', '127.0.0.1:80'), [`4:8 admin: ${taken}`]);
  t.strictSame(await both('[::]:80', '127.0.0.1:80'), [`4:8 admin: ${taken}`]);
  t.strictSame(await both('localhost:80', '127.0.0.1:80'), [`4:8 admin: ${taken}`]);
  t.strictSame(await problemsOf(`${minimal}listen: 0.0.0.0:9901`), [`3:9 listen: ${taken}`]);
  t.strictSame(await both('127.0.0.1:0', '127.0.0.1:0'), []);
  t.strictSame(await both('127.0.0.2:80', '127.0.0.1:80'), []);
  t.strictSame(await both('0.0.0.0:80', '[::1]:80'), []);
});
