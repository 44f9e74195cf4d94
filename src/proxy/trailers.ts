import { canonical, hopByHop, nominations, strangersOwn, type HeaderList } from './headers.ts';

/** What frames, routes or describes a message cannot come after it (RFC 9110 §6.5.1). */
const never = [
  ...hopByHop,
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'set-cookie',
];

const notInAnswers: ReadonlySet<string> = new Set([...never, 'vary', 'x-api-version']);

const notInRequests: ReadonlySet<string> = new Set([
  ...never,
  ...strangersOwn,
  'authorization',
  'cookie',
  'expect',
  'via',
]);

/** `headers` are those of the message: what their Connection names goes no further, before or after the body. */
export const answerTrailers = (raw: readonly string[], headers: readonly string[]): HeaderList =>
  allowed(raw, headers, (name) => !notInAnswers.has(name));

/** `overrideHeader` is the one that never leaves, in lower case. */
export const requestTrailers = (
  raw: readonly string[],
  headers: readonly string[],
  overrideHeader: string | undefined,
): HeaderList =>
  allowed(
    raw,
    headers,
    (name) => !notInRequests.has(name) && !name.startsWith('x-forwarded-') && name !== overrideHeader,
  );

function allowed(
  raw: readonly string[],
  headers: readonly string[],
  holds: (name: string) => boolean,
): HeaderList {
  const out: HeaderList = [];
  if (raw.length === 0) return out;
  const nominated = nominations(headers);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = canonical(raw[i] as string);
    if (holds(name) && !nominated?.has(name)) out.push(raw[i] as string, raw[i + 1] as string);
  }
  return out;
}
