import type { Config } from '../config/schema.ts';
import { createIdentify, headersConsulted, type Identify } from '../identity/identify.ts';
import { createPool } from '../upstream/pool.ts';
import { createOverride, secretHeader, type Override } from './override.ts';
import { createRewrite } from './rewrite.ts';
import { compileRoutes, type Route, type Upstream } from './routes.ts';

/** What the configuration says of requests, compiled: all of a decision but the flags. */
export type Routing = {
  routes: readonly Route[];
  upstreams: readonly Upstream[];
  override: Override | undefined;
  identify: Identify;
  /** Cuts every connection to an upstream. */
  close(): void;
};

export function createRouting(config: Config): Routing {
  const override = createOverride(config.override);
  const upstreams = openUpstreams(config);
  return {
    routes: compileRoutes(config, upstreams, varyOf(config, override)),
    upstreams: [...upstreams.values()],
    override,
    identify: createIdentify(config.context),
    close() {
      for (const { pool } of upstreams.values()) pool.destroy();
    },
  };
}

function openUpstreams(config: Config): Map<string, Upstream> {
  return new Map(
    Object.entries(config.upstreams).map(([name, { url, preserveHost, rewriteLocation, ...options }]) => {
      const basePath = url.pathname.replace(/\/$/, '');
      const rewrite = rewriteLocation ? createRewrite(url, basePath) : undefined;
      return [name, { name, url, basePath, preserveHost, rewrite, pool: createPool(url, options) }];
    }),
  );
}

/** Every request header that may change which version serves a request. */
function varyOf(config: Config, override: Override | undefined): string[] {
  const names = headersConsulted(config.context);
  return override === undefined ? names : [...new Set([...names, override.header, secretHeader])];
}
