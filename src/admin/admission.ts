import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** What decides whether a request may administer. `hosts` are names beside `localhost` and IP literals. */
export type Admission = { token?: string | undefined; hosts: readonly string[] };

export type Refusal = { status: 401 | 403 | 421; title: string };

/**
 * Judges a request before anything is looked up. A page of another site can make a browser send requests here:
 * it is told by its Origin, by what the browser says of where the request comes from (Fetch Metadata), and, when it has
 * its own name point at this address, by its Host. A target that names a host itself has to name one of ours as well.
 */
export function refuse(
  { method, url, headers }: Pick<Request, 'method' | 'url' | 'headers'>,
  admission: Admission,
  needsToken: boolean,
): Refusal | undefined {
  const host = headers.get('host') ?? '';
  if (![host, new URL(url).host].every((named) => isOwnHost(named, admission.hosts)))
    return { status: 421, title: 'This Host is not served here' };
  const origin = headers.get('origin');
  if (origin !== null && !isSameOrigin(origin, host))
    return { status: 403, title: 'Requests from other origins are refused' };
  if (isForeign(method, headers)) return { status: 403, title: 'Requests from other sites are refused' };
  if (needsToken && admission.token !== undefined && !bears(headers.get('authorization'), admission.token))
    return { status: 401, title: 'A bearer token is required' };
  return undefined;
}

function isOwnHost(host: string, names: readonly string[]): boolean {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isIP(bare) !== 0 || names.some((allowed) => allowed.toLowerCase() === name);
}

/** Browsers write both the same way; whether TLS ends in front of this port is not known here. */
const isSameOrigin = (origin: string, host: string): boolean =>
  /^https?:\/\/(.+)$/.exec(origin)?.[1] === host.toLowerCase();

/** Another page may link to what is here, not embed it, send to it or ask in its name. */
function isForeign(method: string, headers: Headers): boolean {
  const site = headers.get('sec-fetch-site') ?? 'none';
  if (site === 'none' || site === 'same-origin') return false;
  return (
    method !== 'GET' ||
    headers.get('sec-fetch-mode') !== 'navigate' ||
    headers.get('sec-fetch-dest') !== 'document'
  );
}

/** As a bearer token, or, since browsers ask people for nothing else, as the password of Basic, under any name. */
function bears(authorization: string | null, token: string): boolean {
  const [, scheme, given] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (scheme === undefined || given === undefined) return false;
  const secret = scheme.toLowerCase() === 'bearer' ? given : passwordIn(given);
  return secret !== undefined && timingSafeEqual(digest(secret), digest(token));
}

/** RFC 7617: in UTF-8, what is behind the first colon, which no name has. */
const passwordIn = (encoded: string): string | undefined =>
  /^[^:]*:([^]*)$/.exec(Buffer.from(encoded, 'base64').toString())?.[1];

/** Equal length whatever was sent, so that the comparison tells nothing. */
const digest = (text: string) => createHash('sha256').update(text).digest();
