import { printable, quoted } from '../config/errors.ts';

/** A request as it came: the path not decoded, the body at most `bodyBytes`. */
export type ApiRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  body: () => Promise<ArrayBuffer>;
};

/** An answer, or the `title` and `detail` of a problem. */
export type ApiAnswer =
  | { status: 200; json: object }
  | { status: 400 | 404 | 409 | 503; title: string; detail: string }
  | { status: 405; title: string; detail: string; allow: string };

/** Why nothing was done. */
export type Undone = { ok: false; why: 'unknown' | 'refused' | 'away'; detail: string };

/** Bytes that the body of a request may have. */
export const bodyBytes = 16_384;

const longestReason = 500;

/** The JSON object that a body is, or the answer to one that is none; `wanted` says what to send. */
export function objectIn(body: ArrayBuffer, wanted: string): { object: Record<string, unknown> } | ApiAnswer {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return unusable(`the body is not JSON in UTF-8; send ${wanted}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return unusable(`the body is no JSON object; send ${wanted}`);
  return { object: value as Record<string, unknown> };
}

/** The `why` of a body, made printable and empty when there is none; or the answer to a body that is no such thing. */
export function reasonIn(body: ArrayBuffer): string | ApiAnswer {
  if (body.byteLength === 0) return '';
  const read = objectIn(body, '{ "why": "text" }, or no body');
  if (!('object' in read)) return read;
  const { why: given, ...others } = read.object;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) return unusable(`unknown key ${quotedHere(stranger)}; the only key is "why"`);
  if (given === undefined) return '';
  if (typeof given !== 'string') return unusable('why: expected a text');
  const why = printable(given);
  return why.length > longestReason
    ? unusable(`why: ${why.length} characters, once they are printable; at most ${longestReason}`)
    : why;
}

export const unusable = (detail: string): ApiAnswer => ({
  status: 400,
  title: 'The body cannot be used',
  detail,
});

/** A part of a path; undefined when its percent-encoding is malformed. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export const reads = ({ method }: ApiRequest): boolean => method === 'GET' || method === 'HEAD';

export const quotedHere = (text: string): string => printable(quoted(text));

export const notFound = (detail: string): ApiAnswer => ({
  status: 404,
  title: 'Nothing is served here',
  detail,
});

export const nothingHere = notFound(
  'the paths are /api/rollouts, /api/rollouts/FLAG, /api/guard, /api/guard/ROUTE, /api/live, /api/history/FLAG ' +
    'and, to POST, /api/rollouts/FLAG/VERB, /api/guard/ROUTE/clear, /api/reload and /api/explain',
);

/** What cannot be found, `what`'s refusal, or its state that is away. */
export function undone({ why, detail }: Undone, what: string, unknown: ApiAnswer): ApiAnswer {
  switch (why) {
    case 'unknown':
      return unknown;
    case 'refused':
      return refused(what, detail);
    case 'away':
      return { status: 503, title: `The state of the ${what} cannot be written`, detail };
  }
}

export const refused = (what: string, detail: string): ApiAnswer => ({
  status: 409,
  title: `The ${what} refuses this`,
  detail,
});

export const onlyAllowed = (allow: string): ApiAnswer => ({
  status: 405,
  title: 'The method is not served here',
  detail: `this path takes ${allow}`,
  allow,
});
