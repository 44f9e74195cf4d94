import { haproxy, nginx } from './contenders/native.ts';
import { program, peer } from './contenders/node.ts';
import { ours, silent } from './contenders/ours.ts';

/** The API behind the contenders: a port for each version, and the process that serves both. */
export type Upstream = { v0: number; v1: number; pid: number };

/** What a contender is started with. */
export type Surroundings = {
  upstream: Upstream;
  /** Its own, for its files. */
  folder: string;
  /** The Node that those in Node run on, and what it is told. */
  node: string;
  nodeFlags: readonly string[];
  /** Where clients speak TLS, the folder of what it takes: `cert.pem`, `key.pem`, and `both.pem`. */
  certificate: string | undefined;
};

/** A contender that answers. `check` says what is wrong with its own account of the requests it served. */
export type Running = {
  pid: number;
  port: number;
  /** What it writes to standard output, if it is kept. */
  log?: string;
  check?: (requests: number) => Promise<string | undefined>;
  stop: () => Promise<void>;
};

export type Contender = {
  name: string;
  about: string;
  /** The oldest Node it runs on. */
  since?: number;
  start(around: Surroundings): Promise<Running>;
};

export const direct: Contender = {
  name: 'direct',
  about: 'the upstream itself',
  start: async ({ upstream: { v0, pid } }) => ({ pid, port: v0, stop: async () => {} }),
};

export const split: readonly Contender[] = [
  { name: 'nginx', about: 'split_clients on the user id, no log', start: nginx },
  { name: 'haproxy', about: 'a hash of the user id, no log', start: haproxy },
];

export const httpProxy: Contender = {
  name: 'http-proxy',
  about: 'keep-alive agent, no decision, no log',
  start: program('http-proxy-server'),
};

/** Other proxies for Node, as `peers.ts` installs them. */
export const peers: readonly Contender[] = [
  { name: 'http-proxy-3', about: 'the same', since: 22, start: peer('http-proxy-3') },
  { name: 'httpxy', about: 'the same', start: peer('httpxy') },
  { name: 'fastify', about: '@fastify/http-proxy, no decision, no log', start: peer('fastify') },
];

export const undici: Contender = {
  name: 'undici',
  about: 'http.Server and dispatch, no decision, no log',
  start: program('undici-server'),
};

export const everythingOn: Contender = {
  name: 'ours',
  about: 'flag at 25 %, guard, access log to a file, metrics, admin',
  start: ours({}),
};

export const lessOfOurs: readonly Contender[] = [
  { name: 'unguarded', about: 'the same without the guard', start: ours({ guard: 'off' }) },
  { name: 'workers', about: 'ours with two workers', start: ours({ workers: 2 }) },
  { name: 'silent', about: 'unguarded, and without log, metrics and history', start: silent },
];

/** Ours as another checkout has it, compiled there by `npm run types`. */
export const before = (checkout: string): Contender => ({
  name: 'before',
  about: `ours as in ${checkout}`,
  start: ours({ checkout }),
});
