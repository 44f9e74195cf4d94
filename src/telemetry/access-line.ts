import { failedUpstream, type Outcome } from './outcome.ts';
import { put, putInteger, putMs, putText, putWord } from './json-bytes.ts';

/** The level of a request's line says who is to blame; nobody, or the client, is `info`. */
export type Blame = 'info' | 'warn' | 'error';

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
  grpcStatus:
    'Status of an answer of gRPC, from 0 (OK) to 16; absent of other requests, and when no answer came whole.',
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

/** Bytes that the line of a request takes at the most. */
export const mostBytes = (outcome: Outcome): number =>
  frame + longestEscape * (outcome.id.length + outcome.method.length + outcome.path.length + named(outcome));

const named = ({ route = '', version = '', upstream = '' }: Outcome) =>
  route.length + version.length + upstream.length;

/** Room for the names of fields, numbers, and words of ours. */
const frame = 1024;
/** Bytes that one unit of a text becomes at the most, as `\\u001f` does. */
const longestEscape = 6;

/**
 * Writes the line into bytes from `at` on; where it ends. Piece by piece, since it is written for each request: as a string it
 * is made of thirty others first, and pino, which has to ask what each field is, takes longer still.
 */
export function writeAccessLine(
  bytes: Buffer,
  at: number,
  outcome: Outcome,
  level: Blame,
  time: string,
): number {
  const { route, version, reason, grpcStatus, headMs, upstream, error, traceId } = outcome;
  let to = putWord(bytes, at, '{"level":"', level);
  to = putWord(bytes, to, '","time":"', time);
  to = putText(bytes, put(bytes, to, '","id":'), outcome.id);
  if (route !== undefined) to = putText(bytes, put(bytes, to, ',"route":'), route);
  if (version !== undefined) to = putText(bytes, put(bytes, to, ',"version":'), version);
  if (reason !== undefined) to = put(bytes, putWord(bytes, to, ',"reason":"', reason), '"');
  to = putText(bytes, put(bytes, to, ',"method":'), outcome.method);
  to = putText(bytes, put(bytes, to, ',"path":'), outcome.path);
  to = putInteger(bytes, put(bytes, to, ',"status":'), outcome.status);
  if (grpcStatus !== undefined) to = putInteger(bytes, put(bytes, to, ',"grpcStatus":'), grpcStatus);
  to = putMs(bytes, put(bytes, to, ',"durationMs":'), outcome.durationMs);
  if (headMs !== undefined) to = putMs(bytes, put(bytes, to, ',"headMs":'), headMs);
  to = putInteger(bytes, put(bytes, to, ',"bytesIn":'), outcome.bytesIn);
  to = putInteger(bytes, put(bytes, to, ',"bytesOut":'), outcome.bytesOut);
  if (upstream !== undefined) to = putText(bytes, put(bytes, to, ',"upstream":'), upstream);
  if (error !== undefined) {
    to = putWord(bytes, to, ',"error":{"code":"', error.code);
    to = put(bytes, putWord(bytes, to, '","source":"', error.source), '"}');
  }
  if (traceId !== undefined) to = put(bytes, putWord(bytes, to, ',"traceId":"', traceId), '"');
  return put(bytes, to, '}\n');
}
