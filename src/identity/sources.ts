import { createHash } from 'node:crypto';
import { parse as parseCookies } from 'cookie';
import { jwtDecode } from 'jwt-decode';
import type { Source } from '../config/context-schema.ts';

/** What identity reads of a request: the target as it came, and headers by lower-case name. */
export type RequestView = {
  url: string;
  /** Whether the client speaks TLS, if not to us then to a proxy in front that is believed. */
  secure: boolean;
  headers: Readonly<Record<string, string | string[] | undefined>>;
};

/** A request whose cookies and query are parsed once, when a source first asks. */
export type Reading = {
  request: RequestView;
  cookies: Readonly<Record<string, string | undefined>> | undefined;
  query: URLSearchParams | undefined;
};

export const readingOf = (request: RequestView): Reading => ({
  request,
  cookies: undefined,
  query: undefined,
});

/** The value at `source`, whatever it holds; undefined when there is none. Never throws. */
export function readSource(source: Source, reading: Reading): string | undefined {
  const value = rawValue(source, reading);
  if (value === undefined || value === '' || !source.hash) return value;
  return createHash('sha256').update(value).digest('hex');
}

function rawValue(source: Source, reading: Reading): string | undefined {
  switch (source.from) {
    case 'cookie':
      return cookieNamed(source.name, reading);
    case 'header':
      return headerNamed(source.name, reading);
    case 'query':
      return queryOf(reading).get(source.name) ?? undefined;
    case 'jwt': {
      const { from, name } = source.carrier;
      return claimOf(
        from === 'cookie' ? cookieNamed(name, reading) : headerNamed(name, reading),
        source.claim,
      );
    }
  }
}

export function cookieNamed(name: string, reading: Reading): string | undefined {
  if (reading.cookies === undefined) {
    const header = headerNamed('cookie', reading);
    reading.cookies = header === undefined ? Object.create(null) : parseCookies(header);
  }
  return reading.cookies?.[name];
}

function headerNamed(name: string, reading: Reading): string | undefined {
  const value = reading.request.headers[name];
  return value === undefined ? undefined : fromBytes(Array.isArray(value) ? value.join(', ') : value);
}

/** Node hands header bytes over as latin1; clients that write more than ASCII mean UTF-8. */
function fromBytes(value: string): string {
  return /[\u0080-\u00ff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

function queryOf(reading: Reading): URLSearchParams {
  if (reading.query === undefined) {
    const { url } = reading.request;
    const start = url.indexOf('?');
    reading.query = new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
  }
  return reading.query;
}

/** Decoded, not verified: whoever relies on the signature has verified it before or after us. */
function claimOf(token: string | undefined, claim: string): string | undefined {
  if (token === undefined) return undefined;
  try {
    const claims: Record<string, unknown> = jwtDecode(token.replace(/^Bearer +/i, ''));
    const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  } catch {
    return undefined;
  }
}
