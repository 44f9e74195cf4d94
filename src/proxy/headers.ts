import type { MintedKey } from '../identity/identify.ts';
import type { Propagated } from '../telemetry/trace.ts';

import { mayBeOneOf } from './name-filter.ts';
import { rewritten, type Rewrite } from './rewrite.ts';

/** Header lists alternate names and values, as Node's `rawHeaders` do: order, case and repeats are kept. */
export type HeaderList = string[];

/** Meant for the next hop alone (RFC 9110 §7.6.1), and what older software adds to them. */
export const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** What the proxy writes itself, or answers itself, and so never copies. */
export const requestOwn: ReadonlySet<string> = new Set([
  ...hopByHop,
  'host',
  'forwarded',
  'x-request-id',
  'x-api-version',
  'x-trenchcoat-secret',
]);

/** What else says who a client is. We write none of these, so a stranger's would be taken for a proxy's. */
export const strangersOwn: ReadonlySet<string> = new Set([
  ...requestOwn,
  'x-forwarded',
  'x-real-ip',
  'x-client-ip',
  'client-ip',
  'true-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'x-envoy-external-address',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'fly-client-ip',
]);

/** `X-Forwarded-` goes on at any length. */
const mayBeOwn = mayBeOneOf([
  ...strangersOwn,
  ...Array.from({ length: 32 }, (_, length) => 'x-forwarded-'.padEnd(length + 1, '-')),
]);

/** Connection may name any header as hop-by-hop, but not these: they frame or describe the message, or are for whoever is behind. */
const notNominable = new Set([
  'content-length',
  'host',
  'via',
  'cache-control',
  'set-cookie',
  'vary',
  'traceparent',
  'tracestate',
]);

export type RequestFacts = {
  host: string;
  requestId: string;
  version: string | undefined;
  /** The client's address; undefined when its connection is gone. */
  clientAddress: string | undefined;
  clientHost: string;
  clientProtocol: 'http' | 'https';
  /** Whether the request asks for a tunnel. */
  upgrading: boolean;
  /** Whether the client is a proxy whose forwarding headers are believed. */
  trusted: boolean;
  /** The version of HTTP that the client speaks, and what this instance calls itself: for Via. */
  received: '1.1' | '2';
  pseudonym: string;
  /** The header that carries the override, in lower case; it never leaves. */
  overrideHeader: string | undefined;
  /** Fields of a trace that take the place of the client's; undefined to pass those on. */
  propagated: Propagated | undefined;
};

/** The header list for the upstream, built anew from what the client sent. */
export function requestHeaders(raw: readonly string[], facts: RequestFacts): HeaderList {
  const out: HeaderList = ['Host', facts.host];
  const nominated = nominations(raw);
  const own = facts.trusted ? requestOwn : strangersOwn;
  const others = nominated !== undefined || facts.propagated !== undefined || facts.upgrading;
  let takesTrailers = false;
  const seen = { for: '', host: facts.clientHost, proto: facts.clientProtocol as string };
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (!others && !mayBeOwn(name) && name.length !== facts.overrideHeader?.length) {
      out.push(name, value);
      continue;
    }
    const lower = canonical(name);
    if (lower.startsWith('x-forwarded-')) {
      if (!facts.trusted) continue;
      if (lower === 'x-forwarded-for') seen.for = seen.for === '' ? value : `${seen.for}, ${value}`;
      else if (lower === 'x-forwarded-host') seen.host = value;
      else if (lower === 'x-forwarded-proto') seen.proto = value;
      else out.push(name, value);
    } else if (lower === 'forwarded' && facts.trusted) out.push(name, value);
    else if (facts.upgrading && lower === 'expect') continue;
    else if (lower === 'te') takesTrailers ||= /(^|[\s,])trailers($|[\s,])/i.test(value);
    else if (
      !own.has(lower) &&
      lower !== facts.overrideHeader &&
      !nominated?.has(lower) &&
      !facts.propagated?.fields.has(lower)
    )
      out.push(name, value);
  }
  if (facts.clientAddress !== undefined)
    out.push(
      'X-Forwarded-For',
      seen.for === '' ? facts.clientAddress : `${seen.for}, ${facts.clientAddress}`,
    );
  out.push('X-Forwarded-Host', seen.host, 'X-Forwarded-Proto', seen.proto);
  out.push('Via', `${facts.received} ${facts.pseudonym}`, 'X-Request-Id', facts.requestId);
  if (facts.version !== undefined) out.push('X-Api-Version', facts.version);
  if (facts.propagated !== undefined) out.push(...facts.propagated.list);
  // The one coding of TE that passes through us (RFC 9110 §10.1.4).
  if (takesTrailers && !facts.upgrading) out.push('TE', 'trailers', 'Connection', 'TE');
  return out;
}

/** In lower case, with `_` as `-`: CGI and WSGI upstreams cannot tell them apart, so neither do we. */
export function canonical(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower;
}

/** What a flag route adds to every answer, whoever produced it. */
export type Stamp = {
  version: string;
  vary: readonly string[];
  minted: readonly MintedKey[];
  /** Whether the client's side is TLS, so that cookies can be `Secure`. */
  secure: boolean;
};

/** A list as a record of names to all their values, for an interface that takes no lists. */
export function headerRecord(list: Readonly<HeaderList>): Record<string, string[]> {
  const record: Record<string, string[]> = Object.create(null);
  for (let i = 0; i + 1 < list.length; i += 2) (record[list[i] as string] ??= []).push(list[i + 1] as string);
  return record;
}

/** The header list for the client. Without a stamp (a plain route) only hop-by-hop headers are left out. */
export function responseHeaders(
  raw: readonly string[],
  stamp: Stamp | undefined,
  rewrite: Rewrite | undefined,
): HeaderList {
  const out: HeaderList = [];
  const nominated = nominations(raw);
  const varied: string[] = [];
  let cacheControl = '';
  const takesCacheControl = stamp !== undefined && stamp.minted.length > 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    let value = raw[i + 1] as string;
    if (nominated === undefined && !mayMatter(name)) {
      out.push(name, value);
      continue;
    }
    const lower = name.toLowerCase();
    if (responseOwn.has(lower) || nominated?.has(lower)) continue;
    if (rewrite !== undefined && rewritten.has(lower)) value = rewrite(lower, value);
    if (stamp !== undefined) {
      if (lower === 'x-api-version') continue;
      if (lower === 'vary') varied.push(value);
      if (takesCacheControl && cdnCacheControl.has(lower)) continue;
      if (takesCacheControl && lower === 'cache-control') {
        cacheControl = cacheControl === '' ? value : `${cacheControl}, ${value}`;
        continue;
      }
    }
    out.push(name, value);
  }
  if (stamp !== undefined) addStamp(out, stamp, varied, cacheControl);
  return out;
}

const responseOwn = new Set(hopByHop);

/** Instructions for shared caches alone, which go before Cache-Control there. */
const cdnCacheControl = new Set(['cdn-cache-control', 'surrogate-control']);

/** Headers of an answer that are not always passed on as they are. */
const mayMatter = mayBeOneOf([
  ...responseOwn,
  ...cdnCacheControl,
  ...rewritten,
  'x-api-version',
  'vary',
  'cache-control',
]);

/** Without Content-Length, which some say where no body can be. */
export const withoutLength = (list: HeaderList): HeaderList =>
  list.filter((_, i) => list[i - (i % 2)]?.toLowerCase() !== 'content-length');

/** The stamp for an answer of our own. */
export function stampHeaders(stamp: Stamp | undefined): HeaderList {
  return responseHeaders([], stamp, undefined);
}

function addStamp(out: HeaderList, stamp: Stamp, varied: readonly string[], cacheControl: string): void {
  out.push('X-Api-Version', stamp.version);
  const missing = missingFromVary(stamp.vary, varied);
  if (missing !== '') out.push('Vary', missing);
  for (const { cookie, key, maxAge } of stamp.minted) {
    const secure = stamp.secure ? '; Secure' : '';
    const seconds = Math.floor(maxAge / 1000);
    out.push('Set-Cookie', `${cookie}=${key}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`);
  }
  if (stamp.minted.length > 0) out.push('Cache-Control', privateOnly(cacheControl));
}

function missingFromVary(wanted: readonly string[], present: readonly string[]): string {
  if (present.length === 0) return wanted.join(', ');
  const names = new Set(
    present
      .join(',')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  );
  return names.has('*') ? '' : wanted.filter((name) => !names.has(name.toLowerCase())).join(', ');
}

/** An answer that hands out an id is for one client: `private` joins, `public` and `s-maxage` cannot stay. */
function privateOnly(cacheControl: string): string {
  const kept = cacheControl
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(public|private|s-maxage\s*=.*)$/i.test(directive));
  return [...kept, 'private'].join(', ');
}

const mayBeConnection = mayBeOneOf(['connection']);

/** The names in Connection, other than its options and what cannot be nominated. */
export function nominations(raw: readonly string[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!mayBeConnection(name) || name.toLowerCase() !== 'connection') continue;
    for (const part of (raw[i + 1] as string).split(',')) {
      const nominated = part.trim().toLowerCase();
      if (nominated === '' || nominated === 'keep-alive' || nominated === 'close') continue;
      const known = canonical(nominated);
      if (notNominable.has(known)) continue;
      names ??= new Set();
      names.add(nominated).add(known);
    }
  }
  return names;
}
