'use strict';

/** Imports go one way: bin → cli → workers → app → proxy, admin, rollout, guard → identity, flags, upstream, telemetry, store → redis, clock, config. */
/** What puts the rooms together. */
const composition = [
  'app',
  'front',
  'generate',
  'generated-files',
  'lean-start',
  'observe',
  'overview',
  'reload',
  'steer',
  'tell',
];
const above = ['cli', 'workers', ...composition, 'proxy', 'admin', 'rollout', 'guard', 'demo'];
const rooms = {
  cli: [],
  workers: ['cli'],
  ...Object.fromEntries(composition.map((file) => [file, ['cli', 'workers']])),
  proxy: ['cli', 'workers', ...composition, 'admin', 'rollout', 'guard', 'demo', 'store'],
  admin: ['cli', 'workers', ...composition, 'proxy', 'rollout', 'guard', 'demo', 'store'],
  rollout: ['cli', 'workers', ...composition, 'proxy', 'admin', 'guard', 'demo'],
  guard: ['cli', 'workers', ...composition, 'proxy', 'admin', 'rollout', 'demo'],
  demo: [
    'cli',
    'workers',
    ...composition,
    'proxy',
    'admin',
    'rollout',
    'guard',
    'identity',
    'flags',
    'upstream',
    'telemetry',
    'store',
  ],
  identity: [...above, 'flags', 'upstream', 'telemetry', 'store'],
  flags: [...above, 'upstream', 'telemetry', 'store'],
  upstream: [...above, 'identity', 'flags', 'telemetry', 'store'],
  telemetry: [...above, 'identity', 'flags', 'upstream', 'store'],
  store: [...above, 'identity', 'flags', 'upstream', 'telemetry'],
  redis: [...above, 'identity', 'flags', 'upstream', 'telemetry', 'store'],
  clock: [...above, 'identity', 'flags', 'upstream', 'telemetry', 'store', 'redis'],
  config: [...above, 'identity', 'flags', 'upstream', 'telemetry', 'store'],
};

/** Each of these is imported by one file, so that it can be replaced in one place. */
const libraries = {
  'http-proxy': 'src/proxy/pipeline.ts',
  '@launchdarkly/node-server-sdk': 'src/flags/launchdarkly.ts',
  '@launchdarkly/node-server-sdk-redis': 'src/flags/stored-flags.ts',
  '@launchdarkly/node-server-sdk-otel': 'src/flags/tracing-hook.ts',
  '@opentelemetry/api': 'src/telemetry/trace.ts',
  pino: 'src/telemetry/log.ts',
  'pino-pretty': 'src/telemetry/log.ts',
  'prom-client': 'src/telemetry/metrics.ts',
  commander: 'src/cli/program.ts',
  hono: 'src/admin/server.ts',
  '@hono/node-server': 'src/admin/server.ts',
  yaml: 'src/config/document.ts',
  cookie: 'src/identity/sources.ts',
  'jwt-decode': 'src/identity/sources.ts',
  'proxy-addr': 'src/proxy/trust.ts',
  leven: 'src/config/errors.ts',
  ioredis: 'src/redis.ts',
  uplot: 'src/admin/dashboard/plot.ts',
};

const files = new Set([...composition, 'clock', 'redis']);
const at = (room) => (files.has(room) ? `^src/${room}\\.ts$` : `^src/${room}/`);
const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'nothing-imports-bin', severity: 'error', from: { path: '^src/' }, to: { path: '^bin/' } },
    { name: 'no-tests-in-src', severity: 'error', from: { path: '^(bin|src)/' }, to: { path: '^test/' } },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^(bin|src)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: 'node_modules/@types/' },
    },
    ...Object.entries(rooms)
      .filter(([, above]) => above.length > 0)
      .map(([room, above]) => ({
        name: `${room}-imports-downwards`,
        severity: 'error',
        from: { path: at(room) },
        to: { path: above.map(at).join('|') },
      })),
    ...Object.entries(libraries).map(([library, file]) => ({
      name: `${library.replaceAll('/', '-')}-in-one-file`,
      severity: 'error',
      from: { path: '^(bin|src)/', pathNot: `^${escaped(file)}$` },
      to: { path: `node_modules/(@types/)?${escaped(library)}/` },
    })),
    {
      name: 'the-dashboard-knows-the-wire-alone',
      comment: 'It runs in a browser: of the rest it may know the types of what it is told.',
      severity: 'error',
      from: { path: '^src/admin/dashboard/' },
      to: {
        path: '.',
        pathNot: '^src/admin/(dashboard/|snapshot\\.ts$)|node_modules/(preact|uplot)/',
      },
    },
    {
      name: 'the-dashboard-is-for-browsers',
      severity: 'error',
      from: { path: '^(bin|src)/', pathNot: '^src/admin/dashboard/' },
      to: { path: '^src/admin/dashboard/|node_modules/preact/' },
    },
    {
      name: 'pure-files-do-no-io',
      severity: 'error',
      from: {
        path: '^src/(flags/(bucket|split|divided|explain)|guard/(evidence|judge|latencies|simulate|tick|trip|unit-set|window)|proxy/(decide|headers)|telemetry/(tally|histogram|history|access-line)|rollout/(schedule|transitions|configure|state)|telemetry/semantic-conventions)\\.ts$',
      },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
