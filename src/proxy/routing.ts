import { isSame } from '../config/same.ts';
import type { Config } from '../config/schema.ts';
import { createIdentify, headersConsulted, type Identify } from '../identity/identify.ts';
import { openPool } from '../upstream/open-pool.ts';
import { createOverride, secretHeader, type Override } from './override.ts';
import { createRewrite } from './rewrite.ts';
import { compileRoutes, type OpenRequests, type Route, type Upstream } from './routes.ts';

/** What the configuration says of requests, compiled: all of a decision but the flags. */
export type Routing = {
  routes: readonly Route[];
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

/** After `before`, upstreams that are the same as they were keep their connections. */
export function createRouting(config: Config, before?: Routing): Routing {
  const override = createOverride(config.override);
  const upstreams = openUpstreams(config, before?.upstreams ?? []);
  const open = before?.open ?? new Map();
  return {
    routes: compileRoutes(config, upstreams, varyOf(config, override), open),
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

function openUpstreams(config: Config, before: readonly Upstream[]): Map<string, Upstream> {
  return new Map(
    Object.entries(config.upstreams).map(([name, configured]) => {
      const { url, preserveHost, rewriteLocation } = configured;
      const basePath = url.pathname.replace(/\/$/, '');
      const rewrite = rewriteLocation ? createRewrite(url, basePath) : undefined;
      const same = before.find((one) => one.name === name && isSame(one.configured, configured));
      const pool = same?.pool ?? openPool(url, configured);
      return [name, { name, configured, url, basePath, preserveHost, rewrite, pool }];
    }),
  );
}

/** Every request header that may change which version serves a request. */
function varyOf(config: Config, override: Override | undefined): string[] {
  const names = headersConsulted(config.context);
  return override === undefined ? names : [...new Set([...names, override.header, secretHeader])];
}
