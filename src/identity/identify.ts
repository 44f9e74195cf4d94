import { randomUUID } from 'node:crypto';
import { wantsTls, type ContextKind } from '../config/context-schema.ts';
import type { EvaluationContext, SingleContext } from './context.ts';
import { cookieNamed, readingOf, readSource, type Reading, type RequestView } from './sources.ts';

/** An anonymous key of a kind that this request was given, and that its client should keep. `maxAge` in milliseconds. */
export type MintedKey = { kind: string; cookie: string; key: string; maxAge: number };

/** Who is asking; `context` is undefined when no kind found a key. */
export type Identity = { context: EvaluationContext | undefined; minted: readonly MintedKey[] };

export type Identify = (request: RequestView, recent?: Recent) => Identity;

/** Who asked last on a connection, and the bytes that said so: everything that was looked at, by whom. */
export type Recent = { by: Identify | undefined; bytes: unknown[]; identity: Identity };

export const nobodyYet = (): Recent => ({ by: undefined, bytes: [], identity: nobody });

const nothingMinted: readonly MintedKey[] = [];
const nobody: Identity = { context: undefined, minted: nothingMinted };

/**
 * Compiles the `context` section. `mint` makes the key of someone nobody knows. Whoever asks again on a connection, by the very same
 * bytes, is not read again.
 */
export function createIdentify(kinds: readonly ContextKind[], mint: () => string = randomUUID): Identify {
  const headers = headersConsulted(kinds).map((name) => name.toLowerCase());
  const query = kinds.some(readsQuery);
  const consulted = headers.length + 2;
  const consult = (request: RequestView, at: number) => {
    if (at < headers.length) return request.headers[headers[at] as string];
    return at === headers.length ? request.secure : query && request.url;
  };

  const identify: Identify = (request, recent) => {
    if (recent?.by === identify) {
      let at = 0;
      while (at < consulted && recent.bytes[at] === consult(request, at)) at += 1;
      if (at === consulted) return recent.identity;
    }
    const identity = read(request);
    // A key that was handed out comes back in a cookie.
    if (recent === undefined || identity.minted.length > 0) return identity;
    for (let at = 0; at < consulted; at += 1) recent.bytes[at] = consult(request, at);
    recent.by = identify;
    recent.identity = identity;
    return identity;
  };
  return identify;

  function read(request: RequestView): Identity {
    const reading = readingOf(request);
    const contexts: SingleContext[] = [];
    let minted = nothingMinted;
    for (const kind of kinds) {
      const context = identifyKind(kind, reading);
      if (context !== undefined) contexts.push(context);
      // Whoever cannot keep a key would get another with each request, and so might the version.
      else if (kind.anonymous !== undefined && (request.secure || !wantsTls(kind.anonymous.cookie))) {
        const key = mint();
        contexts.push(withAttributes({ kind: kind.kind, key, anonymous: true }, kind, reading));
        minted = [...minted, { kind: kind.kind, ...kind.anonymous, key }];
      }
    }
    return { context: combine(contexts), minted };
  }
}

const readsQuery = ({ key, attributes }: ContextKind): boolean =>
  [...key, ...attributes.map(({ source }) => source)].some(({ from }) => from === 'query');

function identifyKind(kind: ContextKind, reading: Reading): SingleContext | undefined {
  for (const source of kind.key) {
    const key = readSource(source, reading);
    if (key !== undefined && isUsableKey(key)) return withAttributes({ kind: kind.kind, key }, kind, reading);
  }
  if (kind.anonymous === undefined) return undefined;
  const kept = cookieNamed(kind.anonymous.cookie, reading);
  if (kept === undefined || !mintedKey.test(kept)) return undefined;
  return withAttributes({ kind: kind.kind, key: kept, anonymous: true }, kind, reading);
}

function withAttributes(context: SingleContext, kind: ContextKind, reading: Reading): SingleContext {
  for (const { name, source } of kind.attributes) {
    const value = readSource(source, reading);
    if (value !== undefined && isUsableAttribute(value)) context[name] = value;
  }
  if (kind.private.length > 0) context._meta = { privateAttributes: kind.private };
  return context;
}

function combine(contexts: SingleContext[]): EvaluationContext | undefined {
  if (contexts.length < 2) return contexts[0];
  const multi: EvaluationContext = { kind: 'multi' };
  for (const { kind, ...rest } of contexts) multi[kind] = rest;
  return multi;
}

const mintedKey = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const plainKey = /^[\x21-\x7e]{1,256}$/;
const visible = /^[^\p{C}\p{Z}\ufffd]+$/u;
const visibleOrSpace = /^[^\p{C}\p{Zl}\p{Zp}\ufffd]+$/u;

/** 1 to 256 bytes of visible characters. */
const isUsableKey = (text: string) =>
  plainKey.test(text) || (Buffer.byteLength(text) <= 256 && visible.test(text));

/** As a key, and spaces are allowed: an attribute may be a name or a user agent. */
const isUsableAttribute = (text: string) => Buffer.byteLength(text) <= 256 && visibleOrSpace.test(text);

/**
 * Every request header that the answer to "who is asking" may depend on, for `Vary`. The query is part of the
 * cache key already.
 */
export function headersConsulted(kinds: readonly ContextKind[]): string[] {
  const names = new Set<string>();
  for (const kind of kinds) {
    if (kind.anonymous !== undefined) names.add('Cookie');
    for (const source of [...kind.key, ...kind.attributes.map((attribute) => attribute.source)]) {
      const place = source.from === 'jwt' ? source.carrier : source;
      if (place.from === 'cookie') names.add('Cookie');
      if (place.from === 'header') names.add(place.name);
    }
  }
  return [...names];
}
