import { explainBucket, type BucketExplanation } from '../flags/explain.ts';
import type { FlagProvider } from '../flags/provider.ts';
import type { EvaluationContext } from '../identity/context.ts';
import { decide, isPreflight, type Reason } from './decide.ts';
import type { FlagRoute } from './routes.ts';
import type { Routing } from './routing.ts';
import { hostName, parseTarget, pathToRoute, upstreamPath } from './target.ts';

/** A request that is asked about. Headers by lower-case name, Host among them. */
export type Question = { method: string; path: string; headers: Readonly<Record<string, string>> };

/** What a request would get. */
export type Explanation = {
  route: string;
  flag?: string;
  context?: EvaluationContext;
  /** The kinds whose key is random: no request has brought one, and another would be given another. */
  minted?: readonly string[];
  version?: string;
  reason: Reason;
  upstream: string;
  url: string;
  bucket?: BucketExplanation;
};

export type ExplainParts = {
  routing: Pick<Routing, 'findRoute' | 'override' | 'identify'>;
  flags: Pick<FlagProvider, 'peek' | 'flagData'>;
  /** Whether the guard has taken everybody back from what a flag says. */
  tripped: (flag: string) => boolean | Promise<boolean>;
  /** Called with the flag, before it is asked. */
  prepare?: (route: FlagRoute) => Promise<void>;
};

/**
 * Takes a request through route, identity, flag and decision as the proxy does; a sentence where it would go nowhere. Limits and
 * framing are not looked at.
 */
export async function explainRequest(
  { method, path, headers }: Question,
  { routing, flags, tripped, prepare }: ExplainParts,
): Promise<Explanation | string> {
  const target = parseTarget(path, method);
  if (target === undefined)
    return path.startsWith('/')
      ? `${path}: percent-encode what is not ASCII, and blanks`
      : `${path}: a path starts with /`;
  const host = hostName(target.authority ?? headers['host'] ?? '');
  if (host === undefined || hostName(headers['host'] ?? '') === undefined)
    return 'the host is malformed: it would get 400';
  const route = routing.findRoute(pathToRoute(target), host, method);
  if (route === undefined)
    return `no route matches ${method} ${target.pathname} on ${host}: it would get 404`;
  const urlAt = ({ url, basePath }: FlagRoute['defaultUpstream']) =>
    `${url.origin}${upstreamPath(basePath, target)}`;
  if (route.kind === 'plain') {
    const { upstream } = route;
    return { route: route.name, reason: 'ROUTE', upstream: upstream.name, url: urlAt(upstream) };
  }

  await prepare?.(route);
  const preflight = isPreflight(method, headers);
  // Where it matters, it is the rule.
  const secure = headers['x-forwarded-proto']?.toLowerCase() !== 'http';
  const identity = preflight ? undefined : routing.identify({ url: target.path, secure, headers });
  const context = identity?.context;
  const facts = {
    preflight,
    pinned: routing.override?.pinned(headers),
    tripped: await tripped(route.flag),
    context,
  };
  const { version, reason, upstream, evaluation } = await decide(route, facts, flags.peek);
  const flag = flags.flagData(route.flag);
  const bucket =
    flag && context && evaluation ? explainBucket(flag, context, evaluation, route.default) : undefined;
  return {
    route: route.name,
    flag: route.flag,
    ...(context !== undefined && { context }),
    ...(identity !== undefined &&
      identity.minted.length > 0 && { minted: identity.minted.map(({ kind }) => kind) }),
    ...(version !== undefined && { version }),
    reason,
    upstream: upstream.name,
    url: urlAt(upstream),
    ...(bucket !== undefined && { bucket }),
  };
}

/** Each reason in a sentence. */
export const meaning: Record<Reason, string> = {
  ROUTE: 'a plain route, without a flag',
  PREFLIGHT: 'a CORS preflight carries no identity and gets the default',
  OVERRIDE: 'pinned by a tester',
  GUARD: 'the guard has found another version worse, so the default until a person clears it',
  NO_CONTEXT: 'nobody is known and nobody is given a key, so the default',
  UNKNOWN_VERSION: "the flag's value is none of the route's versions, so the default",
  OFF: 'the flag is off',
  FALLTHROUGH: 'no target or rule matched',
  TARGET_MATCH: 'the flag targets this context',
  RULE_MATCH: 'a rule of the flag matched',
  PREREQUISITE_FAILED: 'a flag that this one depends on did not agree',
  ERROR: 'the flag could not be evaluated, so the default',
  CLIENT_NOT_READY: 'no flags have arrived yet, so the default',
  FLAG_NOT_FOUND: 'there is no such flag, so the default',
  MALFORMED_FLAG: 'the flag is malformed, so the default',
  USER_NOT_SPECIFIED: 'the context is not valid, so the default',
  WRONG_TYPE: "the flag's value has another type, so the default",
  EXCEPTION: 'the evaluation failed, so the default',
};
