import t from 'tap';
import { problemsOf } from '../support/config.ts';

const unreachable = async (...matches: string[]) => {
  const routes = matches.map((match, index) => `  - { name: r${index}, match: { ${match} }, upstream: u }\n`);
  return (await problemsOf(`upstreams: { u: { url: http://a } }\nroutes:\n${routes.join('')}`)).map(
    (problem) => problem.replace(/^\d+:\d+ /, ''),
  );
};
const never = 'routes[1].match: never reached: routes[0] comes first and matches everything this matches;';

await t.test('hidden behind an earlier route', async (t) => {
  t.strictSame(await unreachable('path: /', 'path: /fact/'), [`${never} put this route before it`]);
  t.strictSame(await unreachable('path: /fact', 'path: /fact/'), [`${never} put this route before it`]);
  t.strictSame(await unreachable('path: /fact/', 'path: /fact/new'), [`${never} put this route before it`]);
  t.strictSame(await unreachable('path: /fact', 'path: /fact'), [`${never} remove one of them`]);
  t.strictSame(await unreachable('path: /', 'host: example.com'), [`${never} put this route before it`]);
  t.strictSame(await unreachable('host: Example.com', 'host: example.COM, path: /a'), [
    `${never} put this route before it`,
  ]);
  t.strictSame(await unreachable('methods: [GET, POST]', 'methods: [GET]'), [
    `${never} put this route before it`,
  ]);
});

await t.test('reached for something', async (t) => {
  t.strictSame(await unreachable('path: /fact/', 'path: /fact'), [], 'the slash is missing');
  t.strictSame(await unreachable('path: /fact', 'path: /factory'), [], 'another segment');
  t.strictSame(await unreachable('path: /fact/', 'path: /'), []);
  t.strictSame(await unreachable('host: example.com', 'path: /a'), []);
  t.strictSame(await unreachable('host: example.com', 'host: example.org'), []);
  t.strictSame(await unreachable('methods: [GET]', 'path: /a'), []);
  t.strictSame(await unreachable('methods: [GET]', 'methods: [GET, HEAD]'), []);
});
