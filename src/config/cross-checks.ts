import { BlockList, isIP } from 'node:net';
import { wantsTls } from './context-schema.ts';
import type { Document } from './document.ts';
import { pathText, type Problem } from './errors.ts';
import { address, type Address } from './scalars.ts';
import { allowedText, foundAt } from './validate.ts';
import { childOf, entriesOf, isMap } from './values.ts';

/**
 * What one part of a configuration says of another. It looks at the file's own values and trusts no shape, so that
 * it has its say even where another part is wrong.
 */
export function crossChecks(document: Document): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (path, message) => {
    if (!document.faulty(path))
      problems.push({ file: document.file, ...document.at(path), path: pathText(path), message });
  };
  const notOneOf = (
    path: readonly PropertyKey[],
    value: unknown,
    what: string,
    allowed: ReadonlySet<string>,
  ): void => {
    if (typeof value === 'object') return;
    if (allowed.has(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))) return;
    report(
      path,
      `${foundAt(document, path).replace(/ \(a \w+\)$/, '')} is not one of the ${what}${allowedText([...allowed], value)}`,
    );
  };
  const { value } = document;
  checkRoutes(value, notOneOf);
  checkNames(document, report);
  checkReach(document, report);
  checkContext(value, notOneOf);
  checkAddresses(value, report);
  checkRollouts(value, report, notOneOf);
  checkGuards(value, report);
  checkDoors(value, report);
  checkCookies(value, report);
  const flags = childOf(value, 'flags');
  if (childOf(flags, 'relay') !== undefined && childOf(flags, 'uris') !== undefined)
    report(['flags', 'relay'], '`relay` and `uris` exclude each other; remove one');
  if (childOf(flags, 'daemon') === true && childOf(flags, 'store') === undefined)
    report(['flags', 'daemon'], 'a daemon needs a `store` to take flags from');
  return problems;
}

type Report = (path: readonly PropertyKey[], message: string) => void;
type NotOneOf = (
  path: readonly PropertyKey[],
  value: unknown,
  what: string,
  allowed: ReadonlySet<string>,
) => void;

const routesOf = (value: unknown): unknown[] => {
  const routes = childOf(value, 'routes');
  return Array.isArray(routes) ? routes : [];
};

function checkRoutes(value: unknown, notOneOf: NotOneOf): void {
  const upstreams = childOf(value, 'upstreams');
  const names = isMap(upstreams) ? new Set(Object.keys(upstreams)) : undefined;
  for (const [index, route] of routesOf(value).entries()) {
    const versions = childOf(route, 'versions');
    const fallback = childOf(route, 'default');
    if (isMap(versions) && fallback !== undefined)
      notOneOf(['routes', index, 'default'], fallback, 'versions', new Set(Object.keys(versions)));
    if (names === undefined) continue;
    const plain = childOf(route, 'upstream');
    if (plain !== undefined) notOneOf(['routes', index, 'upstream'], plain, 'upstreams', names);
    for (const [version, name] of entriesOf(versions))
      notOneOf(['routes', index, 'versions', version], name, 'upstreams', names);
  }
}

function checkNames(document: Document, report: Report): void {
  const first = new Map<string, number>();
  for (const [index, route] of routesOf(document.value).entries()) {
    const name = childOf(route, 'name');
    if (typeof name !== 'string') continue;
    const path = ['routes', index, 'name'];
    const other = first.get(name);
    if (other === undefined) first.set(name, index);
    else report(path, `${foundAt(document, path)} is already the name of routes[${other}]; a name is unique`);
  }
}

type Reach = { path: string; host: string | undefined; methods: unknown[] | undefined };

function checkReach(document: Document, report: Report): void {
  const earlier: { index: number; reach: Reach }[] = [];
  for (const [index, route] of routesOf(document.value).entries()) {
    const reach = reachOf(document, route, ['routes', index, 'match']);
    if (reach === undefined) continue;
    const cover = earlier.find((candidate) => covers(candidate.reach, reach));
    if (cover === undefined) earlier.push({ index, reach });
    else
      report(
        ['routes', index, ...(childOf(route, 'match') === undefined ? [] : ['match'])],
        `never reached: routes[${cover.index}] comes first and matches everything this matches; ${covers(reach, cover.reach) ? 'remove one of them' : 'put this route before it'}`,
      );
  }
}

/** What a route matches; undefined when its `match` is no match at all. */
function reachOf(document: Document, route: unknown, at: readonly PropertyKey[]): Reach | undefined {
  if (!isMap(route)) return undefined;
  const match = childOf(route, 'match') ?? {};
  if (!isMap(match) || document.faulty([...at, 'path']) || document.faulty([...at, 'host'])) return undefined;
  const path = childOf(match, 'path') ?? '/';
  const host = childOf(match, 'host');
  const methods = childOf(match, 'methods');
  if (typeof path !== 'string' || !path.startsWith('/')) return undefined;
  if (host !== undefined && typeof host !== 'string') return undefined;
  if (methods !== undefined && (!Array.isArray(methods) || methods.length === 0)) return undefined;
  return { path, host: host?.toLowerCase(), methods };
}

/** Whether every request that `b` matches is matched by `a`. */
function covers(a: Reach, b: Reach): boolean {
  const below = b.path.startsWith(a.path.endsWith('/') ? a.path : `${a.path}/`) || b.path === a.path;
  const { methods } = a;
  return (
    below &&
    (a.host === undefined || a.host === b.host) &&
    (methods === undefined || (b.methods?.every((method) => methods.includes(method)) ?? false))
  );
}

function checkContext(value: unknown, notOneOf: NotOneOf): void {
  for (const [kind, settings] of entriesOf(childOf(value, 'context'))) {
    const names = new Set(Object.keys(childOf(settings, 'attributes') ?? {}));
    const hidden = childOf(settings, 'private');
    if (!Array.isArray(hidden)) continue;
    for (const [index, name] of hidden.entries())
      notOneOf(['context', kind, 'private', index], name, 'attributes', names);
  }
}

/** What a rollout says of the flag source, the context kinds and the routes that its flag chooses for. */
function checkRollouts(value: unknown, report: Report, notOneOf: NotOneOf): void {
  const source = childOf(childOf(value, 'flags'), 'source');
  const context = childOf(value, 'context');
  const kinds = new Set(isMap(context) ? Object.keys(context) : ['user']);
  for (const [flag, rollout] of entriesOf(childOf(value, 'rollouts'))) {
    const at = ['rollouts', flag];
    if (source === 'launchdarkly') {
      report(at, 'with `flags.source: launchdarkly` rollouts are set up in LaunchDarkly; remove it');
      continue;
    }
    notOneOf([...at, 'contextKind'], childOf(rollout, 'contextKind') ?? 'user', 'context kinds', kinds);
    const routes = routesOf(value).filter((route) => childOf(route, 'flag') === flag);
    if (routes.length === 0) report(at, 'no route has this flag; a rollout needs one to act on');
    for (const route of routes) {
      const versions = childOf(route, 'versions');
      if (!isMap(versions)) continue;
      for (const end of ['from', 'to']) {
        const version = childOf(rollout, end);
        if (version !== undefined)
          notOneOf([...at, end], version, `versions of the flag's route`, new Set(Object.keys(versions)));
      }
    }
  }
}

/** What a guard can do depends on who runs the rollout. */
function checkGuards(value: unknown, report: Report): void {
  const rollouts = childOf(value, 'rollouts');
  const source = childOf(childOf(value, 'flags'), 'source');
  for (const [index, route] of routesOf(value).entries()) {
    const flag = childOf(route, 'flag');
    const guard = childOf(route, 'guard');
    if (typeof flag !== 'string') continue;
    const at = ['routes', index, 'guard'];
    if (childOf(guard, 'onRegression') === 'pause' && childOf(rollouts, flag) === undefined)
      report(
        [...at, 'onRegression'],
        'without a rollout of this flag under `rollouts` there is no percentage to hold; use rollback, notify or off',
      );
    if (childOf(guard, 'launchdarkly') === undefined) continue;
    if (source !== 'launchdarkly')
      report(
        [...at, 'launchdarkly'],
        'with local flags there is nothing to turn off in LaunchDarkly; remove it',
      );
    else if ((childOf(guard, 'onRegression') ?? 'rollback') !== 'rollback')
      report([...at, 'launchdarkly'], 'a flag is turned off with `onRegression: rollback` alone; remove it');
  }
}

/** What would be said of TLS and of proxies to nobody. */
function checkDoors(value: unknown, report: Report): void {
  const trusted = childOf(value, 'trustedProxies');
  if (
    childOf(childOf(value, 'listen'), 'proxyProtocol') === true &&
    !(Array.isArray(trusted) && trusted.length > 0)
  )
    report(
      ['listen', 'proxyProtocol'],
      'it is taken from `trustedProxies` alone, and there are none; name them',
    );
  for (const [name, upstream] of entriesOf(childOf(value, 'upstreams'))) {
    const url = childOf(upstream, 'url');
    const said = entriesOf(childOf(upstream, 'tls')).find(([key, how]) => key !== 'verify' || how !== true);
    if (said !== undefined && typeof url === 'string' && /^http:/i.test(url))
      report(
        ['upstreams', name, 'tls', said[0]],
        'an http:// address is spoken to without TLS; write https://, or remove it',
      );
  }
}

/** A cookie that nobody would ever be given. */
function checkCookies(value: unknown, report: Report): void {
  const trusted = childOf(value, 'trustedProxies');
  if (childOf(childOf(value, 'listen'), 'tls') !== undefined) return;
  if (Array.isArray(trusted) && trusted.length > 0) return;
  for (const [kind, settings] of entriesOf(childOf(value, 'context'))) {
    const cookie = childOf(childOf(settings, 'anonymous'), 'cookie');
    if (typeof cookie === 'string' && wantsTls(cookie))
      report(
        ['context', kind, 'anonymous', 'cookie'],
        'browsers keep a cookie of this name from TLS alone, and nobody can be seen to speak it; set `listen.tls`, or name the proxy that does under `trustedProxies`',
      );
  }
}

function checkAddresses(value: unknown, report: Report): void {
  const admin = childOf(value, 'admin') ?? '127.0.0.1:9901';
  const adminAddress = addressOf(admin);
  if (adminAddress === undefined) return;
  const path = ['admin', ...(isMap(admin) ? ['address'] : [])];
  if (childOf(admin, 'token') === undefined && !isLoopback(adminAddress.host))
    report(
      path,
      'without a token the admin address must be loopback, such as 127.0.0.1:9901; to open it, write { address, token }',
    );
  const listenAddress = addressOf(childOf(value, 'listen') ?? '0.0.0.0:8080');
  if (listenAddress !== undefined && collide(listenAddress, adminAddress))
    report(
      childOf(value, 'admin') === undefined ? ['listen'] : path,
      '`listen` and `admin` take the same port',
    );
}

function addressOf(value: unknown): Address | undefined {
  return address.safeParse(isMap(value) ? childOf(value, 'address') : value).data;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) > 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));

/** Whether two sockets could not both be bound. Port 0 never collides. */
function collide(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const hosts = [a.host, b.host];
  if (a.host === b.host || hosts.includes('::')) return true;
  if (hosts.includes('0.0.0.0')) return hosts.every((host) => isIP(host) !== 6);
  return hosts.includes('localhost') && hosts.every(isLoopback);
}
