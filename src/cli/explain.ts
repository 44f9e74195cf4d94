import { UserError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import { secretsOf } from '../config/secrets.ts';
import type { Config, FlagsConfig } from '../config/schema.ts';
import type { FlagProvider } from '../flags/provider.ts';
import { openFlags } from '../flags/source.ts';
import { explainRequest, meaning, type Explanation } from '../proxy/explain.ts';
import { createRouting } from '../proxy/routing.ts';
import { createLog } from '../telemetry/log.ts';
import { standingOf, tripOf, type Standing } from './explain-rollout.ts';

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
type Printed = Omit<Explanation, 'minted'> & {
  /** The key is random: no request has brought one, and another would be given another. */
  minted?: boolean;
  /** Where the rollout that chooses for everyone else is, when there is one. */
  rollout?: { status: string; percent: number };
  /** What is wrong with the flag source or the rollout, when something is. */
  warning?: string;
};

/** Takes a request through the proxy's steps, with the flags and rollouts as they are now, and prints each. */
export async function explain(options: ExplainOptions): Promise<number> {
  const { config, file, colours } = await loadConfig(options.config);
  const routing = createRouting({ ...config, upstreams: withoutFiles(config.upstreams) });
  const log = await createLog(
    { level: 'warn', format: 'auto', access: false },
    { to: 2, secrets: secretsOf(config), colours },
  );
  let opened: FlagProvider | undefined;
  try {
    let standing: Standing | undefined;
    const flags = async () => (opened ??= await openFlags(withoutEvents(config.flags), log));
    const question = { method: options.method, path: options.path, headers: headersFrom(options) };
    const explained = await explainRequest(question, {
      routing,
      flags: {
        peek: async (...asked) => (await flags()).peek(...asked),
        flagData: (flag) => (standing?.salted === false ? undefined : opened?.flagData(flag)),
      },
      async tripped(flag) {
        const trip = standing === undefined ? await tripOf(flag, config.state) : undefined;
        return trip?.action === 'rollback';
      },
      async prepare({ flag }) {
        const source = await flags();
        standing = await standingOf(flag, config, file, source.flagData(flag)?.salt);
        if (standing === undefined) return;
        source.splits?.check(flag, standing.split);
        source.splits?.set(flag, standing.split);
      },
    });
    if (typeof explained === 'string') throw new UserError(explained);
    const { minted, ...rest } = explained;
    const { healthy = true, detail } = opened?.state() ?? {};
    const warning = healthy ? standing?.warning : detail;
    print(
      {
        ...rest,
        ...(minted !== undefined && { minted: true }),
        ...(standing !== undefined && {
          rollout: { status: standing.status, percent: standing.split.percent },
        }),
        ...(warning !== undefined && { warning }),
      },
      options,
    );
    return 0;
  } finally {
    await opened?.close(0);
    routing.close();
    await log.close();
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
    const key = name.toLowerCase();
    // As Node hands on what is repeated.
    const earlier = key === 'host' ? undefined : headers[key];
    headers[key] =
      earlier === undefined ? value.trim() : [earlier, value.trim()].join(key === 'cookie' ? '; ' : ', ');
  }
  for (const pair of cookie)
    if (!/^[^=;\s]+=[^;]*$/.test(pair)) throw new UserError(`--cookie ${pair}: write it as name=value`);
  const cookies = [headers['cookie'], ...cookie].filter((part) => part !== undefined);
  if (cookies.length > 0) headers['cookie'] = cookies.join('; ');
  return headers;
}

function print(explanation: Printed, options: ExplainOptions): void {
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
}: Printed) {
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

/** Nobody connects to them, so that nobody needs to be able to read their keys. */
const withoutFiles = (upstreams: Config['upstreams']): Config['upstreams'] =>
  Object.fromEntries(
    Object.entries(upstreams).map(([name, one]) => [name, { ...one, tls: { verify: true } }]),
  );
