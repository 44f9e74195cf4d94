import { printable, quoted } from '../config/errors.ts';

/** What a person may have done to a rollout. */
const verbs = ['start', 'pause', 'resume', 'rollback', 'promote'] as const;
type Verb = (typeof verbs)[number];

/** A rollout as it is shown: JSON with its flag. */
type Shown = { flag: string };

/** The rollouts that this proxy runs itself. */
export type Rollouts = {
  list: () => readonly Shown[];
  act: (
    flag: string,
    verb: Verb,
    why: string,
  ) => Promise<
    { ok: true; rollout: Shown } | { ok: false; why: 'unknown' | 'refused' | 'away'; detail: string }
  >;
};

/** Bytes that the body of a request may have. */
export const bodyBytes = 4096;

/** A request as it came: the path not decoded, the body at most `bodyBytes`. */
export type ApiRequest = { method: string; path: string; body: () => Promise<ArrayBuffer> };

/** An answer, or the `title` and `detail` of a problem. */
export type ApiAnswer =
  | { status: 200; json: object }
  | { status: 400 | 404 | 409 | 503; title: string; detail: string }
  | { status: 405; title: string; detail: string; allow: string };

const managedElsewhere =
  'flags come from LaunchDarkly here, so starting, pausing and rolling back belong to LaunchDarkly: ' +
  "change the flag's rollout in LaunchDarkly";

/**
 * `GET /api/rollouts`, `GET /api/rollouts/FLAG`, `POST /api/rollouts/FLAG/VERB`. Without `rollouts`, LaunchDarkly runs
 * them.
 */
export async function answerApi(request: ApiRequest, rollouts: Rollouts | undefined): Promise<ApiAnswer> {
  const [, api, room, encoded, verb, ...more] = request.path.split('/');
  if (api !== 'api' || room !== 'rollouts' || more.length > 0) return nothingHere;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (encoded === undefined) return reads ? listed(rollouts) : onlyAllowed('GET, HEAD');

  const flag = decoded(encoded);
  if (flag === undefined)
    return notFound(`${quotedHere(encoded)} is no flag: its percent-encoding is malformed`);
  if (verb === undefined) return reads ? shown(flag, rollouts) : onlyAllowed('GET, HEAD');
  if (!isVerb(verb))
    return notFound(`${quotedHere(verb)} is no verb of a rollout; the verbs are ${verbs.join(', ')}`);
  if (request.method !== 'POST') return onlyAllowed('POST');
  if (rollouts === undefined) return refused(managedElsewhere);
  return act(rollouts, flag, verb, await request.body());
}

const listed = (rollouts: Rollouts | undefined): ApiAnswer => ({
  status: 200,
  json: rollouts === undefined ? { rollouts: [], managedBy: 'launchdarkly' } : { rollouts: rollouts.list() },
});

function shown(flag: string, rollouts: Rollouts | undefined): ApiAnswer {
  if (rollouts === undefined) return notFound(managedElsewhere);
  const found = rollouts.list().find((rollout) => rollout.flag === flag);
  return found === undefined ? unknown(flag) : { status: 200, json: found };
}

async function act(rollouts: Rollouts, flag: string, verb: Verb, body: ArrayBuffer): Promise<ApiAnswer> {
  const reason = reasonIn(body);
  if (typeof reason !== 'string')
    return { status: 400, title: 'The body cannot be used', detail: reason.mistake };
  const acted = await rollouts.act(flag, verb, reason);
  if (acted.ok) return { status: 200, json: acted.rollout };
  switch (acted.why) {
    case 'unknown':
      return unknown(flag);
    case 'refused':
      return refused(acted.detail);
    case 'away':
      return { status: 503, title: 'The state of the rollout cannot be written', detail: acted.detail };
  }
}

const longestReason = 500;

/** The `why` of a body, made printable; empty when there is none. */
function reasonIn(body: ArrayBuffer): string | { mistake: string } {
  if (body.byteLength === 0) return '';
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return { mistake: 'the body is not JSON in UTF-8; send { "why": "text" }, or no body' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { mistake: 'the body is no JSON object; send { "why": "text" }, or no body' };
  const stranger = Object.keys(value).find((key) => key !== 'why');
  if (stranger !== undefined)
    return { mistake: `unknown key ${quotedHere(stranger)}; the only key is "why"` };
  if (!('why' in value)) return '';
  if (typeof value.why !== 'string') return { mistake: 'why: expected a text' };
  const why = printable(value.why);
  return why.length > longestReason
    ? { mistake: `why: ${why.length} characters, once they are printable; at most ${longestReason}` }
    : why;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const isVerb = (text: string): text is Verb => verbs.some((verb) => verb === text);

const quotedHere = (text: string) => printable(quoted(text));

const notFound = (detail: string): ApiAnswer => ({ status: 404, title: 'Nothing is served here', detail });
const nothingHere = notFound(
  'the paths are /api/rollouts, /api/rollouts/FLAG and, to POST, /api/rollouts/FLAG/VERB',
);
const unknown = (flag: string) => notFound(`there is no rollout of the flag ${quotedHere(flag)}`);
const refused = (detail: string): ApiAnswer => ({ status: 409, title: 'The rollout refuses this', detail });
const onlyAllowed = (allow: string): ApiAnswer => ({
  status: 405,
  title: 'The method is not served here',
  detail: `this path takes ${allow}`,
  allow,
});
