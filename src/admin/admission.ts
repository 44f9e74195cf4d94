import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** What decides whether a request may administer. `hosts` are names beside `localhost` and IP literals. */
export type Admission = { token?: string | undefined; hosts: readonly string[] };

export type Refusal = { status: 401 | 403 | 421; title: string };

/**
 * Judges a request before anything is looked up. A page of another site can make a browser send requests here:
 * it is told by its Origin, and, when it has its own name point at this address, by its Host.
 */
export function refuse(headers: Headers, admission: Admission, needsToken: boolean): Refusal | undefined {
  const host = headers.get('host') ?? '';
  if (!isOwnHost(host, admission.hosts)) return { status: 421, title: 'This Host is not served here' };
  const origin = headers.get('origin');
  if (origin !== null && !isSameOrigin(origin, host))
    return { status: 403, title: 'Requests from other origins are refused' };
  if (needsToken && admission.token !== undefined && !bears(headers.get('authorization'), admission.token))
    return { status: 401, title: 'A bearer token is required' };
  return undefined;
}

function isOwnHost(host: string, names: readonly string[]): boolean {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isIP(bare) !== 0 || names.some((allowed) => allowed.toLowerCase() === name);
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function bears(authorization: string | null, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** Equal length whatever was sent, so that the comparison tells nothing. */
const digest = (text: string) => createHash('sha256').update(text).digest();
