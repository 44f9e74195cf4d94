import {
  decoded,
  notFound,
  nothingHere,
  onlyAllowed,
  quotedHere,
  reads,
  reasonIn,
  refused,
  undone,
  type ApiAnswer,
  type ApiRequest,
  type Undone,
} from './api-answer.ts';

/** What a person may have done to a rollout. */
const verbs = ['start', 'pause', 'resume', 'rollback', 'promote'] as const;
type Verb = (typeof verbs)[number];

/** A rollout as it is shown: JSON with its flag. */
type Shown = { flag: string };

/** The rollouts that this proxy runs itself. */
export type Rollouts = {
  list: () => readonly Shown[];
  act: (flag: string, verb: Verb, why: string) => Promise<{ ok: true; rollout: Shown } | Undone>;
};

const managedElsewhere =
  'flags come from LaunchDarkly here, so starting, pausing and rolling back belong to LaunchDarkly: ' +
  "change the flag's rollout in LaunchDarkly";

/**
 * `GET /api/rollouts`, `GET /api/rollouts/FLAG`, `POST /api/rollouts/FLAG/VERB`; `below` is the path behind `rollouts`.
 * Without `rollouts`, LaunchDarkly runs them.
 */
export async function answerRollouts(
  request: ApiRequest,
  below: readonly string[],
  rollouts: Rollouts | undefined,
): Promise<ApiAnswer> {
  const [encoded, verb, ...more] = below;
  if (more.length > 0) return nothingHere;
  if (encoded === undefined) return reads(request) ? listed(rollouts) : onlyAllowed('GET, HEAD');

  const flag = decoded(encoded);
  if (flag === undefined)
    return notFound(`${quotedHere(encoded)} is no flag: its percent-encoding is malformed`);
  if (verb === undefined) return reads(request) ? shown(flag, rollouts) : onlyAllowed('GET, HEAD');
  if (!isVerb(verb))
    return notFound(`${quotedHere(verb)} is no verb of a rollout; the verbs are ${verbs.join(', ')}`);
  if (request.method !== 'POST') return onlyAllowed('POST');
  if (rollouts === undefined) return refused('rollout', managedElsewhere);

  const why = reasonIn(await request.body());
  if (typeof why !== 'string') return why;
  const acted = await rollouts.act(flag, verb, why);
  return acted.ok ? { status: 200, json: acted.rollout } : undone(acted, 'rollout', unknown(flag));
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

const isVerb = (text: string): text is Verb => verbs.some((verb) => verb === text);

const unknown = (flag: string) => notFound(`there is no rollout of the flag ${quotedHere(flag)}`);
