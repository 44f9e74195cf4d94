import { createHttp2Pool } from './http2-pool.ts';
import { createPool, type PoolOptions, type UpstreamPool } from './pool.ts';

/** Connections to an upstream in the HTTP that it is to be spoken to. */
export const openPool = (origin: URL, options: PoolOptions & { http2: boolean }): UpstreamPool =>
  options.http2 ? createHttp2Pool(origin, options) : createPool(origin, options);
