import {
  decoded,
  notFound,
  nothingHere,
  onlyAllowed,
  quotedHere,
  reads,
  reasonIn,
  undone,
  type ApiAnswer,
  type ApiRequest,
  type Undone,
} from './api-answer.ts';

/** A guard as it is shown: JSON with its route. */
type Shown = { route: string };

/** The guards of the routes, whoever runs the rollouts. */
export type Guards = {
  list: () => readonly Shown[];
  /** Forgets what was found, so that the route is watched anew. */
  clear: (route: string, why: string) => Promise<{ ok: true; guard: Shown } | Undone>;
};

/**
 * `GET /api/guard`, `GET /api/guard/ROUTE`, `POST /api/guard/ROUTE/clear`; `below` is the path behind `guard`. Without
 * `guards`, no route has one.
 */
export async function answerGuard(
  request: ApiRequest,
  below: readonly string[],
  guards: Guards | undefined,
): Promise<ApiAnswer> {
  const [encoded, verb, ...more] = below;
  if (more.length > 0) return nothingHere;
  const list = guards?.list() ?? [];
  if (encoded === undefined)
    return reads(request) ? { status: 200, json: { guards: list } } : onlyAllowed('GET, HEAD');

  const route = decoded(encoded);
  if (route === undefined)
    return notFound(`${quotedHere(encoded)} is no route: its percent-encoding is malformed`);
  const unknown = notFound(`there is no guard of the route ${quotedHere(route)}`);
  if (verb === undefined) {
    if (!reads(request)) return onlyAllowed('GET, HEAD');
    const found = list.find((guard) => guard.route === route);
    return found === undefined ? unknown : { status: 200, json: found };
  }
  if (verb !== 'clear') return notFound(`${quotedHere(verb)} is no verb of a guard; the only one is clear`);
  if (request.method !== 'POST') return onlyAllowed('POST');

  const why = reasonIn(await request.body());
  if (typeof why !== 'string') return why;
  if (guards === undefined) return unknown;
  const cleared = await guards.clear(route, why);
  return cleared.ok ? { status: 200, json: cleared.guard } : undone(cleared, 'guard', unknown);
}
