import type { IncomingHttpHeaders } from 'node:http';

/** Names that Node takes the first of several values of. */
const first: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** Names as they are sent, in lower case: there are few, and a string that was met before is found faster than made. */
const lowered = new Map<string, string>();
const mostLowered = 500;

function lower(name: string): string {
  let found = lowered.get(name);
  if (found === undefined) {
    found = name.toLowerCase();
    if (lowered.size < mostLowered && name.length < 64) lowered.set(name, found);
  }
  return found;
}

/**
 * A list as the record that Node makes of it: names in lower case, several values joined. It has no prototype, and is a
 * dictionary to V8: a shape for each order in which clients send their headers would be learnt, and forgotten, again and again.
 */
export function recordOf(raw: readonly string[]): IncomingHttpHeaders {
  const record: Record<string, string | string[] | undefined> = Object.create(null);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = lower(raw[i] as string);
    const value = raw[i + 1] as string;
    const before = record[name];
    if (name === 'set-cookie')
      record[name] = before === undefined ? [value] : [...(before as string[]), value];
    else if (before === undefined) record[name] = value;
    else if (!first.has(name)) record[name] = `${before as string}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return record;
}
