import { classOf, type Outcome } from './outcome.ts';

/**
 * What spans say, in the words of OpenTelemetry's semantic conventions: those of HTTP, which are stable, and those of
 * feature flags, which are a release candidate.
 */
export type Attributes = Record<string, string | number>;

/** What is told of a span at its end. */
export type Told = { attributes: Attributes; failed: boolean };

/** The methods that the conventions know; any other is told apart, lest a client choose names of spans. */
const knownMethods = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

/** The method as spans are named by. */
export const methodName = (method: string): string => (knownMethods.has(method) ? method : 'HTTP');

const methodOf = (method: string): Attributes =>
  knownMethods.has(method)
    ? { 'http.request.method': method }
    : { 'http.request.method': '_OTHER', 'http.request.method_original': method };

/** A request as it came, before anything of it is believed. `target` is as the request line has it. */
export type RequestHead = {
  method: string;
  target: string;
  host: string | undefined;
  secure: boolean;
  httpVersion: string;
  clientAddress: string | undefined;
};

/** Never the query: it may hold secrets. */
export function requestAttributes(head: RequestHead): Attributes {
  const [, authority, path = ''] = /^(?:https?:\/\/([^/?#]*))?([^?#]*)/i.exec(head.target) ?? [];
  return {
    ...methodOf(head.method),
    'url.path': path === '' ? '/' : path,
    'url.scheme': head.secure ? 'https' : 'http',
    'network.protocol.version': head.httpVersion,
    ...serverOf(authority ?? head.host ?? '', head.secure),
    ...(head.clientAddress !== undefined && { 'client.address': head.clientAddress }),
  };
}

function serverOf(authority: string, secure: boolean): Attributes {
  const [, host, port] = /^([^:@/]+|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === undefined) return {};
  return { 'server.address': host, 'server.port': port === undefined ? defaultPort(secure) : Number(port) };
}

const defaultPort = (secure: boolean) => (secure ? 443 : 80);

/** A request to an upstream; `path` has no query. */
export function exchangeAttributes(method: string, upstream: URL, path: string): Attributes {
  let known = upstreams.get(upstream);
  if (known === undefined) {
    known = { origin: upstream.origin, server: upstreamAttributes(upstream) };
    upstreams.set(upstream, known);
  }
  return { ...methodOf(method), ...known.server, 'url.full': known.origin + path };
}

/** A URL makes its parts anew each time it is asked for them. */
const upstreams = new WeakMap<URL, { origin: string; server: Attributes }>();

const upstreamAttributes = ({ hostname, port, protocol }: URL): Attributes => ({
  'server.address': hostname,
  'server.port': port === '' ? defaultPort(protocol === 'https:') : Number(port),
  'network.protocol.version': '1.1',
});

/** Why a version was chosen: the convention's reason, and its kind of error where it was one. */
const reasons: Record<string, { reason: string; error?: string }> = {
  OFF: { reason: 'disabled' },
  // As if it were off.
  PREREQUISITE_FAILED: { reason: 'disabled' },
  TARGET_MATCH: { reason: 'targeting_match' },
  RULE_MATCH: { reason: 'targeting_match' },
  OVERRIDE: { reason: 'static' },
  PREFLIGHT: { reason: 'default' },
  NO_CONTEXT: { reason: 'default' },
  GUARD: { reason: 'default' },
  UNKNOWN_VERSION: { reason: 'error', error: 'type_mismatch' },
  WRONG_TYPE: { reason: 'error', error: 'type_mismatch' },
  CLIENT_NOT_READY: { reason: 'error', error: 'provider_not_ready' },
  FLAG_NOT_FOUND: { reason: 'error', error: 'flag_not_found' },
  MALFORMED_FLAG: { reason: 'error', error: 'parse_error' },
  USER_NOT_SPECIFIED: { reason: 'error', error: 'targeting_key_missing' },
  EXCEPTION: { reason: 'error', error: 'general' },
  ERROR: { reason: 'error', error: 'general' },
};

/**
 * What came of a decision; `divides` tells whether the flag's fall-through is a percentage. The version is the variant, so
 * the convention wants no value. Its `feature_flag.context.id` is left out: that is the key of a user, and a trace goes to
 * systems that nobody has chosen for personal data.
 */
export function decisionAttributes(reason: string, version: string | undefined, divides: boolean): Told {
  const fallthrough = { reason: divides ? 'split' : 'default', error: undefined };
  const told = reason === 'FALLTHROUGH' ? fallthrough : (reasons[reason] ?? { reason: 'unknown' });
  return {
    failed: told.error !== undefined,
    attributes: {
      'feature_flag.result.reason': told.reason,
      ...(version !== undefined && { 'feature_flag.result.variant': version }),
      ...(told.error !== undefined && { 'error.type': told.error }),
    },
  };
}

/** How a request ended, beside its outcome. */
export type RequestEnd = {
  outcome: Outcome;
  /** The prefix of the route that matched. */
  httpRoute: string | undefined;
  /** The status that the client was sent; 0 when it was sent none. */
  status: number;
};

/** A client that left, an answer cut short and a 5xx are errors of this span; a refusal is the client's own. */
export function outcomeAttributes({ outcome, httpRoute, status }: RequestEnd): Told {
  const { route, version, reason, grpcStatus, error } = outcome;
  const refused = status >= 400 && status < 500 && error?.source === 'downstream';
  const failing = classOf({ status, grpcStatus }) >= 5;
  const failed = failing || (error !== undefined && !refused);
  const type = error?.code ?? (failing ? `${grpcStatus ?? status}` : undefined);
  return {
    failed,
    attributes: {
      ...(httpRoute !== undefined && { 'http.route': httpRoute }),
      ...(route !== undefined && { 'trenchcoat.route': route }),
      ...(version !== undefined && { 'trenchcoat.version': version }),
      ...(reason !== undefined && { 'trenchcoat.reason': reason }),
      ...(status !== 0 && { 'http.response.status_code': status }),
      ...(type !== undefined && { 'error.type': type }),
    },
  };
}

/** How an exchange with an upstream ended. */
export type ExchangeEnd = {
  /** Of the upstream's answer; 0 when none came. */
  status: number;
  /** Whether the answer was complete. */
  whole: boolean;
  /** How often the request was sent again. */
  resends: number;
  /** Milliseconds from the sending; undefined when it is not known. */
  elapsed: number | undefined;
};

/** To a client any answer of 4xx or 5xx is an error, and so is one that did not come whole. */
export function answerAttributes(how: ExchangeEnd | undefined, error: Outcome['error']): Told {
  const { status = 0, whole = false, resends = 0 } = how ?? {};
  const type = !whole && error !== undefined ? error.code : status >= 400 ? `${status}` : undefined;
  return {
    failed: type !== undefined,
    attributes: {
      ...(status !== 0 && { 'http.response.status_code': status }),
      ...(resends > 0 && { 'http.request.resend_count': resends }),
      ...(type !== undefined && { 'error.type': type }),
    },
  };
}
