import type { Config } from '../config/schema.ts';

/** What one of several workers has of a configuration: its share of the limits, and nothing that is done once for all. */
export const shareOf = (config: Config, workers: number): Config => {
  const share = (limit: number) => Math.ceil(limit / workers);
  const { limits, upstreams, routes } = config;
  return {
    ...config,
    admin: undefined,
    // The leader waits for all.
    shutdown: { ...config.shutdown, delay: 0 },
    limits: { ...limits, connections: share(limits.connections) },
    upstreams: Object.fromEntries(
      Object.entries(upstreams).map(([name, one]) => {
        const { maxConnections, maxTunnels, queue } = one;
        const shares = {
          maxConnections: share(maxConnections),
          maxTunnels: share(maxTunnels),
          queue: share(queue),
        };
        return [name, { ...one, ...shares }];
      }),
    ),
    routes: routes.map((route) =>
      route.kind === 'plain' ? route : { ...route, guard: { ...route.guard, launchdarkly: undefined } },
    ),
  };
};
