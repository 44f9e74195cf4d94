import type { Route } from './routes.ts';

/** The first route that matches. `pathname` is raw; `host` has no port and is in lower case. */
export type FindRoute = (pathname: string, host: string, method: string) => Route | undefined;

/** A route and its place in the order of the file. */
type Placed = { route: Route; place: number };

/** By host; those for any host under `undefined`. */
type ByHost = Map<string | undefined, Placed[]>;

/**
 * What a search takes depends on how many lengths the paths of routes have, not on how many routes there are: each of the
 * request's own prefixes that is as long as some route's path is looked up.
 */
export function createFindRoute(routes: readonly Route[]): FindRoute {
  const byPath = new Map<string, ByHost>();
  for (const [place, route] of routes.entries()) {
    const { path, host } = route.match;
    const byHost: ByHost = byPath.get(path) ?? new Map();
    byPath.set(path, byHost);
    const placed = byHost.get(host) ?? [];
    byHost.set(host, placed);
    placed.push({ route, place });
  }
  const lengths = [...new Set([...byPath.keys()].map((path) => path.length))].toSorted((a, b) => a - b);

  return (pathname, host, method) => {
    let first: Placed | undefined;
    for (const length of lengths) {
      if (length > pathname.length) break;
      if (!isBorder(pathname, length)) continue;
      const byHost = byPath.get(pathname.slice(0, length));
      if (byHost === undefined) continue;
      first = earlier(first, byHost.get(host), method);
      first = earlier(first, byHost.get(undefined), method);
    }
    return first?.route;
  };
}

/** `/fact/` holds itself and all below, `/fact` also itself; neither holds `/factory`. */
const isBorder = (pathname: string, length: number): boolean =>
  pathname[length - 1] === '/' || length === pathname.length || pathname[length] === '/';

/** They differ in their methods alone. */
function earlier(
  first: Placed | undefined,
  placed: Placed[] | undefined,
  method: string,
): Placed | undefined {
  if (placed === undefined) return first;
  for (const one of placed) {
    if (first !== undefined && first.place < one.place) return first;
    if (one.route.match.methods?.has(method) !== false) return one;
  }
  return first;
}
