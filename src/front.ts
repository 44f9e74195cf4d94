import type { AddressInfo } from 'node:net';
import type { LoadedConfig } from './config/load.ts';
import type { ListenConfig } from './config/schema.ts';
import type { Expiry } from './proxy/certificates.ts';
import type { DoorLog } from './proxy/door.ts';
import type { ErrorCode } from './proxy/errors.ts';
import { createProxyServer, type ProxyServer, type Serving } from './proxy/server.ts';
import type { HandshakeFailure } from './proxy/tls-door.ts';
import type { MetricObjects } from './telemetry/metrics.ts';
import type { PoolCounts } from './upstream/pool.ts';

/** Connections to an upstream, of all processes together. */
export type Pool = PoolCounts & { name: string };

/** What takes requests: a server in this process, or workers. */
export type Front = {
  listen(how: ListenConfig): Promise<AddressInfo>;
  /** Serves by another configuration from the next request on. */
  follow(loaded: LoadedConfig): Promise<void>;
  connections(): number;
  /** Of the certificates that clients are shown. */
  expiries(): Expiry[];
  pools(): Pool[];
  /** Log lines that other processes could not write. */
  dropped(): number;
  /** How many processes take requests, and should; undefined where it is this one alone. */
  workers(): { up: number; wanted: number } | undefined;
  /** Brings what other processes know up to date, and gives their own figures. */
  gather(): Promise<readonly MetricObjects[]>;
  /** Goes on, but tells clients that their connections end. */
  sendAway(): void;
  /** Takes no more, lets requests end, and cuts what is left after `drain` milliseconds. */
  close(drain: number): Promise<void>;
};

/** What a front is given of the proxy it stands in front of. */
export type FrontParts = {
  serving: () => Serving;
  pools: () => Pool[];
  onRefused: (code: ErrorCode | HandshakeFailure) => void;
  log: DoorLog;
};

/** A server in this process. */
export const ownFront = (parts: FrontParts): Front =>
  frontOf(createProxyServer(parts.serving(), parts.onRefused, parts.log), parts);

export const frontOf = (server: ProxyServer, { serving, pools }: FrontParts): Front => ({
  listen: (how) => server.listen(how),
  follow: async () => server.serve(serving()),
  connections: () => server.connections(),
  expiries: () => server.expiries(),
  pools,
  dropped: () => 0,
  workers: () => undefined,
  gather: async () => [],
  sendAway: () => server.sendAway(),
  close: (drain) => server.close(drain),
});
