import { canonical, hopByHop, requestOwn, type HeaderList } from './headers.ts';

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
  ...requestOwn,
  'authorization',
  'cookie',
  'expect',
  'via',
]);

export const answerTrailers = (raw: readonly string[]): HeaderList =>
  allowed(raw, (name) => !notInAnswers.has(name));

/** `overrideHeader` is the one that never leaves, in lower case. */
export const requestTrailers = (raw: readonly string[], overrideHeader: string | undefined): HeaderList =>
  allowed(
    raw,
    (name) => !notInRequests.has(name) && !name.startsWith('x-forwarded-') && name !== overrideHeader,
  );

function allowed(raw: readonly string[], holds: (name: string) => boolean): HeaderList {
  const out: HeaderList = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (holds(canonical(name))) out.push(name, raw[i + 1] as string);
  }
  return out;
}
