import { loadConfig } from '../../../src/config/load.ts';
import { openFlags } from '../../../src/flags/source.ts';
import { createHandler } from '../../../src/proxy/handle.ts';
import { createRouting } from '../../../src/proxy/routing.ts';
import { createProxyServer } from '../../../src/proxy/server.ts';
import { createTrust } from '../../../src/proxy/trust.ts';
import { createLog } from '../../../src/telemetry/log.ts';

// Our proxy with all that it does for a request, and nothing that tells of it: no metrics, no log, no history, no guard.
// Takes a configuration, prints its port.

const { config } = await loadConfig(process.argv[2]);
const log = await createLog({ ...config.log, access: false });
const flags = await openFlags(config.flags, log);
const nobody = () => {};
const handler = createHandler({
  ...createRouting(config),
  limits: config.limits,
  pseudonym: 'trenchcoat-silent',
  tracing: undefined,
  startTraces: 'off',
  evaluate: (...asked) => flags.evaluate(...asked),
  tripped: () => false,
  decided: nobody,
  record: nobody,
  onFault: nobody,
});
const { limits } = config;
const server = createProxyServer({ limits, isTrusted: createTrust(config.trustedProxies), handler }, nobody, {
  debug: nobody,
  info: nobody,
  warn: nobody,
  error: nobody,
});
const { port } = await server.listen(config.listen);
console.log(port);
