import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

/**
 * The very tests of the wire contract, with their clients' bytes carried over TLS: `support/tls-way.ts` says how. Those that only
 * look at what the upstream gets, or does, would say the same again.
 */
const upstreamAlone =
  /^(malformed-(chunks|heads)|nominated|places|redirects|replay|socket-reuse|target-bytes|upstream-failures)\./;

const folder = join(import.meta.dirname, '../wire');
const files = readdirSync(folder).filter((file) => file.endsWith('.test.js') && !upstreamAlone.test(file));

t.setTimeout(0);
t.jobs = 2;
t.plan(files.length);
for (const file of files)
  void t.spawn(
    'env',
    [
      '-u',
      'NODE_OPTIONS',
      'TEST_OVER_TLS=true',
      'TAP_TIMEOUT=60',
      process.execPath,
      '--enable-source-maps',
      join(folder, file),
      // tap names the folder of a test for its arguments too, so that this one has its own.
      'over-tls',
    ],
    { buffered: true, timeout: 60_000 },
    `wire/${file.replace(/\.test\.js$/, '')} over TLS`,
  );
