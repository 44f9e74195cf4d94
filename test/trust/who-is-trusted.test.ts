import { networkInterfaces } from 'node:os';
import * as fc from 'fast-check';
import t from 'tap';
import { createTrust } from '../../src/proxy/trust.ts';
import { request } from '../support/client.ts';
import { load } from '../support/config.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** For each entry, the first and last addresses that it takes in, and their neighbours that it does not. */
const ranges: [entry: string, inside: string[], outside: string[]][] = [
  ['loopback', ['127.0.0.1', '127.255.255.255', '::1'], ['126.255.255.255', '128.0.0.0', '::', '::2']],
  [
    'private',
    [
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.0.0',
      '192.168.255.255',
      'fc00::',
      'fdff::1',
    ],
    [
      '9.255.255.255',
      '11.0.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0',
      'fbff::',
      'fe00::',
      '127.0.0.1',
      '169.254.0.1',
      '100.64.0.1',
    ],
  ],
  [
    'linklocal',
    ['169.254.0.0', '169.254.255.255', 'fe80::', 'febf::1', 'fe80::1%eth0'],
    ['169.253.255.255', '169.255.0.0', 'fe7f::', 'fec0::', '10.0.0.1'],
  ],
  [
    '192.0.2.7',
    ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207'],
    ['192.0.2.6', '192.0.2.8', '::192.0.2.7'],
  ],
  ['192.0.2.4/30', ['192.0.2.4', '192.0.2.7'], ['192.0.2.3', '192.0.2.8']],
  ['2001:db8::/32', ['2001:db8::', '2001:db8:ffff::1'], ['2001:db7:ffff::', '2001:db9::', '192.0.2.7']],
  ['::ffff:192.0.2.0/120', ['192.0.2.0', '192.0.2.255', '::ffff:192.0.2.9'], ['192.0.1.255', '192.0.3.0']],
  ['0.0.0.0/0', ['0.0.0.0', '127.0.0.1', '128.0.0.1', '255.255.255.255'], ['::1', '2001:db8::1']],
  ['::/0', ['::', '::1', '8000::', 'ffff::'], ['192.0.2.7']],
];

await t.test('each entry takes in what it says, to the border', async (t) => {
  for (const [entry, inside, outside] of ranges) {
    const isTrusted = createTrust([entry]);
    for (const address of inside) t.ok(isTrusted(address), `${entry} has ${address}`);
    for (const address of outside) t.notOk(isTrusted(address), `${entry} does not have ${address}`);
    for (const odd of ['', 'localhost', 'unknown', '127.0.0.1:80', '127.1'])
      t.notOk(isTrusted(odd), `${entry} has no ${JSON.stringify(odd)}`);
  }
  const none = createTrust([]);
  t.notOk(none('127.0.0.1'), 'nobody is trusted unless named');
  const several = createTrust(['loopback', '192.0.2.7']);
  t.same(['127.0.0.1', '192.0.2.7', '192.0.2.8'].map(several), [true, true, false]);
});

await t.test('whatever the configuration takes can be used', async (t) => {
  const octets = fc.ipV4();
  const entry = fc.oneof(
    octets,
    fc.ipV6(),
    fc.tuple(octets, fc.integer({ min: 0, max: 33 })).map(([address, bits]) => `${address}/${bits}`),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 129 })).map(([address, bits]) => `${address}/${bits}`),
    fc.constantFrom(
      'loopback',
      'linklocal',
      'private',
      'fe80::1%eth0',
      'fe80::/10%eth0',
      'uniquelocal',
      '1.2.3.4/255.0.0.0',
    ),
  );
  let taken = 0;
  const holds = fc.asyncProperty(entry, async (text) => {
    const { config } = await load(
      `upstreams: { a: { url: "http://127.0.0.1:1" } }\nroutes: [{ name: all, upstream: a }]\ntrustedProxies: ["${text}"]\n`,
    );
    if (config === undefined) return;
    taken += 1;
    createTrust(config.trustedProxies)('127.0.0.1');
  });
  await t.resolves(fc.assert(holds, { numRuns: 300 }));
  t.ok(taken > 100, `${taken} of them`);
});

const ipv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);
const skip = !ipv6 && process.env['CI'] !== 'true' && 'no IPv6 on this machine';

await t.test('an address is one address, whichever protocol the port speaks', { skip }, async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const seenBy = async (trusted: string, host: string) => {
    const yaml = flagged(upstream.url, upstream.url, `trustedProxies: ["${trusted}"]`);
    const { port } = await startProxy(t, `listen: "[::]:0"\n${yaml}`, { 'flags.yaml': evenFlags });
    await request(port, '/', { host, headers: { 'x-forwarded-for': '198.51.100.9' } });
    return upstream.seen.at(-1)?.headers['x-forwarded-for'];
  };
  t.equal(await seenBy('127.0.0.1', '127.0.0.1'), '198.51.100.9, 127.0.0.1');
  t.equal(await seenBy('127.0.0.0/8', '127.0.0.1'), '198.51.100.9, 127.0.0.1');
  t.equal(await seenBy('::ffff:127.0.0.1', '127.0.0.1'), '198.51.100.9, 127.0.0.1');
  t.equal(await seenBy('::1', '127.0.0.1'), '127.0.0.1');
  t.equal(await seenBy('::1', '::1'), '198.51.100.9, ::1');
  t.equal(await seenBy('127.0.0.1', '::1'), '::1');
});
