import type { Evaluation, EvaluationReason } from '../flags/provider.ts';
import type { EvaluationContext } from '../identity/context.ts';
import type { RequestView } from '../identity/sources.ts';
import type { FlagRoute, Upstream } from './routes.ts';

/** Why a version was chosen. What LaunchDarkly has a word for is spelled as it spells it. */
export type Reason =
  | 'ROUTE'
  | 'PREFLIGHT'
  | 'OVERRIDE'
  | 'GUARD'
  | 'NO_CONTEXT'
  | 'UNKNOWN_VERSION'
  | EvaluationReason['kind']
  | NonNullable<EvaluationReason['errorKind']>;

/** Which upstream serves a request. `version` is undefined on a plain route. */
export type Decision = {
  version: string | undefined;
  upstream: Upstream;
  reason: Reason;
  /** What the flag said, where one was asked. */
  evaluation: Evaluation | undefined;
};

/**
 * What a decision may look at. `pinned` is the version a tester asked for, with the right secret; `tripped`, whether the
 * guard has taken everybody back to the default.
 */
export type DecisionFacts = {
  preflight: boolean;
  pinned: string | undefined;
  tripped: boolean;
  context: EvaluationContext | undefined;
};

export type Evaluate = (
  flag: string,
  context: EvaluationContext,
  fallback: unknown,
) => Evaluation | Promise<Evaluation>;

/** A CORS preflight: browsers send it without cookies or headers of identity. */
export const isPreflight = (method: string, headers: RequestView['headers']): boolean =>
  method === 'OPTIONS' &&
  headers['origin'] !== undefined &&
  headers['access-control-request-method'] !== undefined;

/** In this order: tester's override, the guard, the flag, the route's default. */
export function decide(
  route: FlagRoute,
  facts: DecisionFacts,
  evaluate: Evaluate,
): Promise<Decision> | Decision {
  if (facts.preflight) return serveDefault(route, 'PREFLIGHT');
  const pinned = facts.pinned === undefined ? undefined : route.versions.get(facts.pinned);
  if (pinned !== undefined)
    return { version: facts.pinned, upstream: pinned, reason: 'OVERRIDE', evaluation: undefined };
  if (facts.tripped) return serveDefault(route, 'GUARD');
  if (facts.context === undefined) return serveDefault(route, 'NO_CONTEXT');
  const evaluated = evaluate(route.flag, facts.context, route.default);
  return evaluated instanceof Promise
    ? evaluated.then((evaluation) => fromEvaluation(route, evaluation))
    : fromEvaluation(route, evaluated);
}

function fromEvaluation(route: FlagRoute, evaluation: Evaluation): Decision {
  const { value, reason } = evaluation;
  if (reason.kind === 'ERROR') return serveDefault(route, reason.errorKind ?? 'ERROR', evaluation);
  const version = versionOf(value);
  const upstream = version === undefined ? undefined : route.versions.get(version);
  if (version === undefined || upstream === undefined)
    return serveDefault(route, 'UNKNOWN_VERSION', evaluation);
  return { version, upstream, reason: reason.kind, evaluation };
}

/** A JSON variation names no version. */
function versionOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function serveDefault(route: FlagRoute, reason: Reason, evaluation?: Evaluation): Decision {
  return { version: route.default, upstream: route.defaultUpstream, reason, evaluation };
}
