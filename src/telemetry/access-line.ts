import { failedUpstream, type Outcome } from './outcome.ts';
import { withoutUnseen } from './visible.ts';

/** The level of a request's line says who is to blame; nobody, or the client, is `info`. */
type Blame = 'info' | 'warn' | 'error';

/** The line of one request. Others build on its names; a field whose value is not known is left out. */
export type AccessLine = { time: string; level: Blame } & Outcome;

type Field = Exclude<keyof AccessLine, 'error'> | `error.${keyof NonNullable<AccessLine['error']>}`;

/** What each field means, in the order of the line. */
export const accessFields = {
  level: '`warn` when the upstream failed the request, `error` when the fault is ours, else `info`.',
  time: 'When the request ended: ISO 8601, UTC, milliseconds.',
  id: "The client's `X-Request-Id` where it can be kept, else a new one. The upstream gets the same.",
  route: 'Name of the route; absent when none matched.',
  version: 'The version that served it; absent on plain routes and before a decision.',
  reason:
    "Why that version. LaunchDarkly's word where it has one (`FALLTHROUGH`, `TARGET_MATCH`, `RULE_MATCH`, `OFF`, `FLAG_NOT_FOUND`, …), else `ROUTE`, `PREFLIGHT`, `OVERRIDE`, `GUARD`, `NO_CONTEXT` or `UNKNOWN_VERSION`.",
  method: 'Method of the request.',
  path: 'Path as it was sent, without the query.',
  status: 'Status that was sent to the client; 499 when it left before there was one.',
  durationMs: 'Milliseconds from the request head to the end of the answer.',
  headMs:
    'Milliseconds until the head of the answer, without the time to connect to the upstream; absent when there was none, and for event streams and upgrades.',
  bytesIn: "Bytes from the client's connection, head included.",
  bytesOut: "Bytes to the client's connection, head included.",
  upstream: 'Name of the upstream; absent before a decision.',
  'error.code': 'What went wrong, such as `connect_refused`; absent when the answer was relayed whole.',
  'error.source': 'Whose fault it was: `downstream`, `upstream` or `self`.',
  traceId: 'Id of the trace that the request belongs to; absent when there is none.',
} as const satisfies Record<Field, string>;

/** The fields as a table of Markdown. */
export const accessFieldsTable = (): string =>
  [
    '| field | meaning |',
    '| --- | --- |',
    ...Object.entries(accessFields).map(([field, meaning]) => `| \`${field}\` | ${meaning} |`),
    '',
  ].join('\n');

/** Who is to blame for how a request ended. */
export function blameOf(outcome: Outcome): Blame {
  if (outcome.error?.source === 'self') return 'error';
  return failedUpstream(outcome) ? 'warn' : 'info';
}

/**
 * The line as JSON, without its end. Written out, since it is written for each request: pino, which has to ask what each field
 * is, takes three times as long.
 */
export function accessText(outcome: Outcome, level: Blame, time: string): string {
  const { route, version, reason, headMs, upstream, error, traceId } = outcome;
  let text = `{"level":"${level}","time":"${time}","id":${quoted(outcome.id)}`;
  if (route !== undefined) text += `,"route":${quoted(route)}`;
  if (version !== undefined) text += `,"version":${quoted(version)}`;
  if (reason !== undefined) text += `,"reason":"${reason}"`;
  text += `,"method":${quoted(outcome.method)},"path":${quoted(outcome.path)},"status":${outcome.status}`;
  text += `,"durationMs":${outcome.durationMs}`;
  if (headMs !== undefined) text += `,"headMs":${headMs}`;
  text += `,"bytesIn":${outcome.bytesIn},"bytesOut":${outcome.bytesOut}`;
  if (upstream !== undefined) text += `,"upstream":${quoted(upstream)}`;
  if (error !== undefined) text += `,"error":{"code":"${error.code}","source":"${error.source}"}`;
  if (traceId !== undefined) text += `,"traceId":"${traceId}"`;
  return `${text}}`;
}

/** Printable ASCII but for the quote and the backslash: what JSON has no need to escape. */
const plain = /^[ !#-[\]-~]*$/;

const quoted = (text: string): string =>
  plain.test(text) ? `"${text}"` : withoutUnseen(JSON.stringify(text));
