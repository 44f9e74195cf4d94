import type { Config, RouteConfig } from '../config/schema.ts';
import type { Rewrite } from './rewrite.ts';
import type { UpstreamPool } from '../upstream/pool.ts';

/** One API version's address and its connections. */
export type Upstream = {
  name: string;
  configured: Config['upstreams'][string];
  url: URL;
  /** Put before every path; without a slash at the end. */
  basePath: string;
  preserveHost: boolean;
  /** Maps what an answer says of the upstream's address to what the client knows; undefined to leave it. */
  rewrite: Rewrite | undefined;
  pool: UpstreamPool;
  /** The certificate that the upstream is shown now. */
  shown: ShownCertificate;
};

/** `expiresAt` in milliseconds since 1970; undefined where none is shown. */
export type ShownCertificate = { now: { file: string; expiresAt: number } | undefined };

type Match = { path: string; host: string | undefined; methods: ReadonlySet<string> | undefined };

export type FlagRoute = {
  kind: 'flag';
  name: string;
  match: Match;
  flag: string;
  versions: ReadonlyMap<string, Upstream>;
  default: string;
  defaultUpstream: Upstream;
  /** Request headers that the choice may depend on. */
  vary: readonly string[];
  /** What is under way that a rollback may cut; undefined where none does. */
  open: Set<OpenRequest> | undefined;
};

/** A request under way that a percentage brought to this version. */
export type OpenRequest = { version: string; cut(): void };

/** By flag; what is under way outlives the routes that it came by. */
export type OpenRequests = Map<string, Set<OpenRequest>>;

/** What percentages brought to a version of a flag and is under way now. Called later, the function cuts what of it still is. */
export function openOn(open: OpenRequests, flag: string, version: string): () => void {
  const all = open.get(flag) ?? new Set();
  const there = [...all].filter((request) => request.version === version);
  return () => {
    for (const request of there) if (all.has(request)) request.cut();
  };
}

export type PlainRoute = { kind: 'plain'; name: string; match: Match; upstream: Upstream };

/** Where a request goes, and what decides. Everything a request can share is made here, once. */
export type Route = FlagRoute | PlainRoute;

export function compileRoutes(
  config: Pick<Config, 'routes' | 'rollouts'>,
  upstreams: ReadonlyMap<string, Upstream>,
  vary: readonly string[],
  openRequests: OpenRequests,
): Route[] {
  const upstreamNamed = (name: string) => {
    const upstream = upstreams.get(name);
    if (upstream === undefined) throw new Error(`no upstream ${name}`);
    return upstream;
  };
  return config.routes.map((route): Route => {
    const match = compileMatch(route.match);
    if (route.kind === 'plain')
      return { kind: 'plain', name: route.name, match, upstream: upstreamNamed(route.upstream) };
    const versions = new Map([...route.versions].map(([value, name]) => [value, upstreamNamed(name)]));
    const defaultUpstream = versions.get(route.default);
    if (defaultUpstream === undefined) throw new Error(`no version ${route.default}`);
    const { name, flag } = route;
    const cuts = config.rollouts.get(flag)?.cutStreamsAfter !== undefined;
    const open = cuts ? (openRequests.get(flag) ?? new Set<OpenRequest>()) : undefined;
    if (open !== undefined) openRequests.set(flag, open);
    return { kind: 'flag', name, match, flag, versions, default: route.default, defaultUpstream, vary, open };
  });
}

function compileMatch({ path, host, methods }: RouteConfig['match']): Match {
  return { path, host, methods: methods === undefined ? undefined : new Set(methods) };
}

/** The first route that matches. `pathname` is raw; `host` has no port and is in lower case. */
export function findRoute(
  routes: readonly Route[],
  pathname: string,
  host: string,
  method: string,
): Route | undefined {
  for (const route of routes) {
    const { match } = route;
    if (
      isBelow(match.path, pathname) &&
      (match.host === undefined || match.host === host) &&
      (match.methods === undefined || match.methods.has(method))
    )
      return route;
  }
  return undefined;
}

/** `/fact/` holds itself and all below, `/fact` also itself; neither holds `/factory`. */
function isBelow(prefix: string, pathname: string): boolean {
  if (!pathname.startsWith(prefix)) return false;
  return prefix.endsWith('/') || pathname.length === prefix.length || pathname[prefix.length] === '/';
}
