import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { startRaccoonApis } from '../../src/demo/apis.ts';
import { factsV0 } from '../../src/demo/facts-v0.ts';
import { factsV1 } from '../../src/demo/facts-v1.ts';

const versions = Object.entries({ v0: factsV0, v1: factsV1 });

await t.test('each version answers a fact of its own as JSON', async (t) => {
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
  t.teardown(() => apis.close());
  for (const [version, facts] of versions) {
    const response = await fetch(`${apis.url}/${version}/fact/`);
    t.equal(response.status, 200);
    t.equal(response.headers.get('content-type'), 'application/json');
    t.equal(response.headers.get('cache-control'), 'no-store');
    t.equal(response.headers.get('x-api-version'), null, 'the proxy stamps versions, not the API');
    const body: unknown = await response.json();
    const index = facts.findIndex(({ fact }) => Object(body).fact === fact);
    t.same(body, { id: index + 1, ...facts[index] });
  }
});

await t.test('chance picks from the whole list, first to last', async (t) => {
  const numbers = [0, 0.5, 1 - Number.EPSILON];
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0, random: () => numbers.shift() ?? 0 });
  t.teardown(() => apis.close());
  const length = factsV1.length;
  for (const index of [0, Math.floor(length / 2), length - 1])
    t.same(await (await fetch(`${apis.url}/v1/fact/`)).json(), { id: index + 1, ...factsV1[index] });
});

await t.test('once v1 is broken it fails three times in ten, and v0 never', async (t) => {
  const numbers: number[] = [];
  const random = () => numbers.shift() ?? 0.5;
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0, random });
  t.teardown(() => apis.close());
  const statusOf = async (version: string, ...chance: number[]) => {
    numbers.splice(0, numbers.length, ...chance);
    return (await fetch(`${apis.url}/${version}/fact/`)).status;
  };
  t.equal(await statusOf('v1', 0), 200, 'while it is well');
  apis.breakV1();
  t.equal(await statusOf('v1', 0), 500);
  t.equal(await statusOf('v1', 0.299), 500);
  t.equal(await statusOf('v1', 0.3), 200);
  t.equal(await statusOf('v0', 0), 200);
  numbers.push(0);
  const failure = await fetch(`${apis.url}/v1/fact/`);
  t.equal(failure.headers.get('content-type'), 'application/json');
  t.match(await failure.json(), { error: /raccoon/ });
});

await t.test('a query changes nothing', async (t) => {
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
  t.teardown(() => apis.close());
  t.equal((await fetch(`${apis.url}/v0/fact/?x=/v1/fact/`)).status, 200);
});

await t.test('a taken port is an error', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await t.rejects(startRaccoonApis({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' });
});

const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
const withoutIPv6 = addresses.every(({ address }) => address !== '::1') && 'no IPv6 loopback here';

await t.test('an IPv6 address is written in brackets', { skip: withoutIPv6 }, async (t) => {
  const apis = await startRaccoonApis({ host: '::1', port: 0 });
  t.teardown(() => apis.close());
  t.match(apis.url, /^http:\/\/\[::1\]:\d+$/);
  t.equal((await fetch(`${apis.url}/v0/fact/`)).status, 200);
});
