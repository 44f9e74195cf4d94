import type { Header } from './message-reader.ts';

/**
 * What the proxy is to do with fields on their way, written down a second time: what is for the next hop alone stays
 * here, what is the proxy's own to say is said by it, and everything else arrives in order and unchanged.
 */

const hopByHop = new Set(
  (
    'connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding ' +
    'upgrade http2-settings'
  ).split(' '),
);
/** Connection cannot make these hop-by-hop. */
const endToEnd = new Set('content-length host via cache-control set-cookie vary'.split(' '));

/** Programs behind CGI take `_` for `-`. */
const alike = (name: string) => name.toLowerCase().replaceAll('_', '-');

function nominated(headers: readonly Header[]): Set<string> {
  const lists = headers.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => value);
  const names = lists.flatMap((list) => list.split(',')).map((name) => alike(name.trim()));
  return new Set(names.filter((name) => !endToEnd.has(name) && name !== 'close' && name !== 'keep-alive'));
}

const isForwarding = (name: string) =>
  name.startsWith('x-forwarded-') || ['forwarded', 'host', 'x-request-id', 'x-api-version'].includes(name);

/** The fields of a request that pass as they are. */
export function passedOn(headers: readonly Header[], tunnel: boolean): Header[] {
  const dropped = nominated(headers);
  return headers.filter(([name]) => {
    const lower = alike(name);
    return !(
      hopByHop.has(lower) ||
      isForwarding(lower) ||
      dropped.has(lower) ||
      (tunnel && lower === 'expect')
    );
  });
}

/** The fields of an answer that pass as they are. */
export function passedBack(headers: readonly Header[]): Header[] {
  const dropped = nominated(headers);
  return headers.filter(([name]) => !hopByHop.has(name.toLowerCase()) && !dropped.has(name.toLowerCase()));
}

const neverLast = new Set(
  'host content-length content-type content-encoding content-range set-cookie cache-control'.split(' '),
);
const notAfterAnswers = new Set(['vary', 'x-api-version']);
const notAfterRequests = new Set('authorization cookie expect via'.split(' '));

function trailing(
  trailers: readonly Header[],
  headers: readonly Header[],
  isDropped: (name: string) => boolean,
): Header[] {
  const dropped = nominated(headers);
  return trailers.filter(([name]) => {
    const lower = alike(name);
    return !(hopByHop.has(lower) || neverLast.has(lower) || dropped.has(lower) || isDropped(lower));
  });
}

/** The fields that may come after an answer. */
export const trailingBack = (trailers: readonly Header[], headers: readonly Header[]): Header[] =>
  trailing(trailers, headers, (name) => notAfterAnswers.has(name));

/** The fields that may come after a request: there, nobody says what the proxy says before it. */
export const trailingOn = (trailers: readonly Header[], headers: readonly Header[]): Header[] =>
  trailing(trailers, headers, (name) => notAfterRequests.has(name) || isForwarding(name));

/** Origin form, byte for byte, of a target in any form that is served. */
export function pathOf(target: string, method: string): string {
  const [, rest] = /^https?:\/\/[^/?#]+(.*)$/i.exec(target) ?? [];
  if (rest === undefined) return target;
  // RFC 9112 §3.2.4.
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

export const withoutLength = (headers: readonly Header[]): Header[] =>
  headers.filter(([name]) => name.toLowerCase() !== 'content-length');

export const same = (a: readonly Header[], b: readonly Header[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);
export const sameUnordered = (a: readonly Header[], b: readonly Header[]): boolean => sorted(a) === sorted(b);

const sorted = (list: readonly Header[]): string =>
  list
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    .toSorted()
    .join('\n');
