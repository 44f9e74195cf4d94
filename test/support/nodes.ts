import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { nodes, type OtherNode } from './node-versions.ts';

/** For tap's `skip`: a reason where this Node is missing. Never on CI, where a missing one must be a failure. */
function skipWithoutNode({ version, path }: OtherNode): string | false {
  const missing = process.env['CI'] !== 'true' && !existsSync(path);
  return missing ? `no Node ${version} on this machine; CONTRIBUTING.md says how to get it` : false;
}

/**
 * Runs a compiled test file, such as `wire/host`, on the Node of this name. Calling what it has deprecated ends a process, the
 * test's as well as the proxy's.
 */
export const passOn = (t: Test, name: string, { version, path }: OtherNode, file: string) =>
  t.spawn(
    'env',
    [
      '-u',
      'NODE_OPTIONS',
      'TAP_TIMEOUT=120',
      path,
      '--throw-deprecation',
      '--enable-source-maps',
      join(import.meta.dirname, `../${file}.test.js`),
      // tap names the folder of a test for its arguments too, so that two Nodes have two.
      `on-${name}`,
    ],
    { buffered: true, timeout: 120_000 },
    `${file} on Node ${version}`,
  );

/**
 * What a Node may change under the proxy: how it parses what is malformed, what it does at an upgrade, at a cut, at the start and
 * at the end of a process.
 */
const sensitive = [
  'e2e/failed-start',
  'e2e/grpc',
  'e2e/guard-errors',
  'e2e/launchdarkly',
  'e2e/rollback-cuts-streams',
  'e2e/tls-front',
  'e2e/upgrade',
  'e2e/versions',
  'proxy/tls-door',
  'upstream/certificates',
  'upstream/http2-ends',
  'upstream/tls-tunnels',
  'wire/head-limits',
  'wire/header-lines',
  'wire/malformed-chunks',
  'wire/malformed-heads',
  'wire/transfer-encoding',
  'wire/upgrade-requests',
];

/** Runs the tests in which Nodes may differ, and `more`, on the Node of this name. */
export async function servesOn(name: string, more: readonly string[] = []): Promise<void> {
  const node = nodes.get(name);
  if (node === undefined) return void t.fail(`.ci/nodes/package.json has no ${name}`);
  await t.test(`Node ${node.version}`, { skip: skipWithoutNode(node), timeout: 115_000 }, async (t) => {
    const version = execFileSync(node.path, ['--version'], { encoding: 'utf8' }).trim();
    t.equal(version, `v${node.version}`, 'is the one that is meant');
    for (const file of [...sensitive, ...more]) await passOn(t, name, node, file);
  });
}
