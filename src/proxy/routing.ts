import { isSame } from '../config/same.ts';
import type { Config } from '../config/schema.ts';
import { createIdentify, headersConsulted, type Identify } from '../identity/identify.ts';
import type { Log } from '../telemetry/log.ts';
import type { CredentialNews } from '../upstream/credentials.ts';
import { openPool } from '../upstream/open-pool.ts';
import { createFindRoute, type FindRoute } from './find-route.ts';
import { createOverride, secretHeader, type Override } from './override.ts';
import { createRewrite } from './rewrite.ts';
import { compileRoutes, type OpenRequests, type ShownCertificate, type Upstream } from './routes.ts';

/** What the configuration says of requests, compiled: all of a decision but the flags. */
export type Routing = {
  findRoute: FindRoute;
  upstreams: readonly Upstream[];
  override: Override | undefined;
  identify: Identify;
  /** What is under way, by flag, of those whose rollback may cut it. */
  open: OpenRequests;
  /** Leaves the requests to another, which keeps the connections that it can use; the others end with what they carry. */
  giveWayTo(next: Routing): void;
  /** Cuts every connection to an upstream. */
  close(): void;
};

/**
 * After `before`, upstreams that are the same as they were keep their connections. `log` is told of certificates that are renewed.
 * Throws a `UserError` when the files of one cannot be used.
 */
export function createRouting(config: Config, before?: Routing, log: RoutingLog = silent): Routing {
  const override = createOverride(config.override);
  const upstreams = openUpstreams(config, before?.upstreams ?? [], log);
  const open = before?.open ?? new Map();
  return {
    findRoute: createFindRoute(compileRoutes(config, upstreams, varyOf(config, override), open)),
    upstreams: [...upstreams.values()],
    open,
    giveWayTo(next) {
      const kept = new Set(next.upstreams.map(({ pool }) => pool));
      for (const { pool } of upstreams.values()) if (!kept.has(pool)) pool.retire();
    },
    override,
    identify: createIdentify(config.context),
    close() {
      for (const { pool } of upstreams.values()) pool.destroy();
    },
  };
}

export type RoutingLog = Pick<Log, 'info' | 'warn' | 'error'>;

const silent: RoutingLog = { info() {}, warn() {}, error() {} };

function openUpstreams(config: Config, before: readonly Upstream[], log: RoutingLog): Map<string, Upstream> {
  const upstreams = new Map<string, Upstream>();
  try {
    for (const [name, configured] of Object.entries(config.upstreams)) {
      const { url, preserveHost, rewriteLocation } = configured;
      const basePath = url.pathname.replace(/\/$/, '');
      const rewrite = rewriteLocation ? createRewrite(url, basePath) : undefined;
      const same = before.find((one) => one.name === name && isSame(one.configured, configured));
      const shown = same?.shown ?? { now: undefined };
      const pool = same?.pool ?? openPool(url, { ...configured, news: newsOf(name, shown, log) });
      upstreams.set(name, { name, configured, url, basePath, preserveHost, rewrite, pool, shown });
    }
    return upstreams;
  } catch (error) {
    const kept = new Set(before.map(({ pool }) => pool));
    for (const { pool } of upstreams.values()) if (!kept.has(pool)) pool.destroy();
    throw error;
  }
}

/** What is told of the certificate that an upstream is shown. */
const newsOf = (upstream: string, shown: ShownCertificate, log: RoutingLog): CredentialNews => ({
  inForce(certificate, renewed) {
    shown.now = certificate;
    const told = certificate && {
      file: certificate.file,
      expires: new Date(certificate.expiresAt).toISOString(),
    };
    if (renewed) log.info({ upstream, ...told }, "an upstream's PEM files were renewed");
    if (certificate !== undefined && certificate.expiresAt <= Date.now())
      log.warn({ upstream, ...told }, 'the certificate that an upstream is shown has expired');
  },
  refused: (message) =>
    log.error(
      { upstream },
      `an upstream's PEM files were changed and are not taken; those before are used: ${message}`,
    ),
});

/** Every request header that may change which version serves a request. */
function varyOf(config: Config, override: Override | undefined): string[] {
  const names = headersConsulted(config.context);
  return override === undefined ? names : [...new Set([...names, override.header, secretHeader])];
}
