import { onlyAllowed, reasonIn, type ApiAnswer, type ApiRequest } from './api-answer.ts';

/** Reads the configuration again: the keys that say something else now, or what is wrong, a line for each mistake. */
export type Reload = () => Promise<{ ok: true; changed: readonly string[] } | { ok: false; detail: string }>;

/** `POST /api/reload` */
export async function answerReload(request: ApiRequest, reload: Reload): Promise<ApiAnswer> {
  if (request.method !== 'POST') return onlyAllowed('POST');
  const body = reasonIn(await request.body());
  if (typeof body !== 'string') return body;
  const outcome = await reload();
  if (outcome.ok) return { status: 200, json: { changed: outcome.changed } };
  const title = 'The configuration is not taken; the one before is served';
  return { status: 409, title, detail: outcome.detail };
}
