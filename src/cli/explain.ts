import { createRouting } from '../proxy/routing.ts';
import { UserError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import { secretsOf } from '../config/secrets.ts';
import type { FlagsConfig } from '../config/schema.ts';
import { explainBucket, type BucketExplanation } from '../flags/explain.ts';
import type { Evaluation, FlagProvider } from '../flags/provider.ts';
import { openFlags } from '../flags/source.ts';
import { standingOf, tripOf } from './explain-rollout.ts';
import type { EvaluationContext } from '../identity/context.ts';
import { decide, isPreflight, type Reason } from '../proxy/decide.ts';
import { findRoute, type FlagRoute } from '../proxy/routes.ts';
import { hostName, parseTarget } from '../proxy/target.ts';
import { createLog } from '../telemetry/log.ts';

export type ExplainOptions = {
  config?: string;
  path: string;
  method: string;
  host: string;
  cookie: string[];
  header: string[];
  json?: boolean;
};

/** What one request would get. `--json` prints this. */
type Explanation = {
  route: string;
  flag?: string;
  context?: EvaluationContext;
  /** The key is random: no request has brought one, and another would be given another. */
  minted?: boolean;
  version?: string;
  reason: Reason;
  upstream: string;
  url: string;
  bucket?: BucketExplanation;
  /** Where the rollout that chooses for everyone else is, when there is one. */
  rollout?: { status: string; percent: number };
  /** What is wrong with the flag source or the rollout, when something is. */
  warning?: string;
};

/** Takes a request through route, identity, flag and decision as the proxy does, and prints each step. */
export async function explain(options: ExplainOptions): Promise<number> {
  const { config, file, colours } = await loadConfig(options.config);
  const routing = createRouting(config);
  try {
    const target = parseTarget(options.path, options.method);
    if (target === undefined) throw new UserError(`--path ${options.path}: a path starts with /`);
    const headers = headersFrom(options);
    const route = findRoute(
      routing.routes,
      target.pathname,
      hostName(target.authority ?? options.host),
      options.method,
    );
    if (route === undefined)
      throw new UserError(
        `no route matches ${options.method} ${target.pathname} on ${options.host}: it would get 404`,
      );
    const path = (base: string) => `${base}${target.path}`;
    if (route.kind === 'plain') {
      const { name, url, basePath } = route.upstream;
      print(
        { route: route.name, reason: 'ROUTE', upstream: name, url: url.origin + path(basePath) },
        options,
      );
      return 0;
    }

    const preflight = isPreflight(options.method, headers);
    const identity = preflight ? undefined : routing.identify({ url: target.path, headers });
    const log = await createLog(
      { level: 'warn', format: 'auto', access: false },
      { to: 2, secrets: secretsOf(config), colours },
    );
    const flags = await openFlags(withoutEvents(config.flags), log);
    try {
      const standing = await standingOf(route.flag, config, file, flags.flagData(route.flag)?.salt);
      if (standing !== undefined) flags.split?.(route.flag, standing.split);
      let evaluation: Evaluation | undefined;
      const trip = standing === undefined ? await tripOf(route.flag, config.state) : undefined;
      const facts = {
        preflight,
        pinned: routing.override?.pinned(headers),
        tripped: trip?.action === 'rollback',
        context: identity?.context,
      };
      const { version, reason, upstream } = await decide(route, facts, async (...asked) => {
        return (evaluation = await flags.evaluate(...asked));
      });
      const bucket =
        standing?.salted === false ? undefined : bucketOf(flags, route, identity?.context, evaluation);
      const { healthy, detail } = flags.state();
      const warning = healthy ? standing?.warning : detail;
      print(
        {
          route: route.name,
          flag: route.flag,
          ...(identity?.context !== undefined && { context: identity.context }),
          ...(identity !== undefined && identity.minted.length > 0 && { minted: true }),
          ...(version !== undefined && { version }),
          reason,
          upstream: upstream.name,
          url: upstream.url.origin + path(upstream.basePath),
          ...(bucket !== undefined && { bucket }),
          ...(standing !== undefined && {
            rollout: { status: standing.status, percent: standing.split.percent },
          }),
          ...(warning !== undefined && { warning }),
        },
        options,
      );
      return 0;
    } finally {
      await flags.close(0);
      await log.close();
    }
  } finally {
    routing.close();
  }
}

/** An explanation is no visit: LaunchDarkly is told nothing of it. */
const withoutEvents = (flags: FlagsConfig): FlagsConfig =>
  flags.source === 'launchdarkly' ? { ...flags, events: false } : flags;

function headersFrom({ host, cookie, header }: ExplainOptions): Record<string, string> {
  const headers: Record<string, string> = { host };
  for (const line of header) {
    const [, name, value] = /^([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new UserError(`--header ${line}: write it as 'Name: value'`);
    headers[name.toLowerCase()] = value.trim();
  }
  for (const pair of cookie)
    if (!/^[^=;\s]+=[^;]*$/.test(pair)) throw new UserError(`--cookie ${pair}: write it as name=value`);
  const cookies = [headers['cookie'], ...cookie].filter((part) => part !== undefined);
  if (cookies.length > 0) headers['cookie'] = cookies.join('; ');
  return headers;
}

function bucketOf(
  flags: FlagProvider,
  route: FlagRoute,
  context: EvaluationContext | undefined,
  evaluation: Evaluation | undefined,
): BucketExplanation | undefined {
  const flag = flags.flagData(route.flag);
  if (flag === undefined || context === undefined || evaluation === undefined) return undefined;
  return explainBucket(flag, context, evaluation, route.default);
}

function print(explanation: Explanation, options: ExplainOptions): void {
  if (options.json === true) process.stdout.write(`${JSON.stringify(explanation, null, 2)}\n`);
  else
    process.stdout.write(
      lines(explanation)
        .map(([label, text]) => `${label.padEnd(10)}${text}\n`)
        .join(''),
    );
}

function lines({
  route,
  flag,
  context,
  minted,
  version,
  reason,
  upstream,
  url,
  bucket,
  rollout,
  warning,
}: Explanation) {
  const out: [string, string][] = [['route', flag === undefined ? route : `${route}, by the flag ${flag}`]];
  if (context !== undefined) out.push(['context', JSON.stringify(context)]);
  if (minted === true) out.push(['', 'nobody known: this key is new, and random']);
  if (version !== undefined) out.push(['version', version]);
  out.push(['reason', `${reason}: ${meaning[reason]}`]);
  if (rollout !== undefined)
    out.push(['rollout', `${rollout.status.replaceAll('_', ' ')}, ${rollout.percent} % on the new version`]);
  if (bucket?.kind === 'rollout') {
    out.push([
      'bucket',
      `${bucket.bucket.toFixed(6)} of 1, from sha1("${bucket.prefix}.${bucket.value ?? ''}")`,
    ]);
    for (const range of bucket.ranges)
      out.push(['', `${range.version} from ${range.from} % to ${range.to} %`]);
    if (bucket.movesAt !== undefined)
      out.push(['moves', `away from the default once the others have ${bucket.movesAt} % or more`]);
  } else if (bucket?.kind === 'fixed') out.push(['bucket', 'none: no percentage moves this context']);
  out.push(['upstream', `${upstream}, ${url}`]);
  if (warning !== undefined) out.push(['warning', warning]);
  return out;
}

const meaning: Record<Reason, string> = {
  ROUTE: 'a plain route, without a flag',
  PREFLIGHT: 'a CORS preflight carries no identity and gets the default',
  OVERRIDE: 'pinned by a tester',
  GUARD: 'the guard has found another version worse, so the default until a person clears it',
  NO_CONTEXT: 'nobody is known and anonymous keys are off, so the default',
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
