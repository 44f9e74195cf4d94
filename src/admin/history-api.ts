import type { History } from './snapshot.ts';
import {
  decoded,
  notFound,
  nothingHere,
  onlyAllowed,
  quotedHere,
  reads,
  type ApiAnswer,
  type ApiRequest,
} from './api-answer.ts';

/** What the versions of a flag did lately; undefined for a flag that no route has. */
export type Histories = (flag: string, span: 'minutes' | 'day') => History | undefined;

/** `GET /api/history/FLAG`, with `?span=day` a day by minutes, else ten minutes by seconds. */
export function answerHistory(
  request: ApiRequest,
  below: readonly string[],
  histories: Histories,
): ApiAnswer {
  const [encoded, ...more] = below;
  if (encoded === undefined || more.length > 0) return nothingHere;
  if (!reads(request)) return onlyAllowed('GET, HEAD');
  const flag = decoded(encoded);
  const span = request.query.get('span') ?? 'minutes';
  if (span !== 'minutes' && span !== 'day')
    return notFound(`there is no span ${quotedHere(span)}; the spans are minutes and day`);
  const found = flag === undefined ? undefined : histories(flag, span);
  return found === undefined
    ? notFound(`no route chooses versions by the flag ${quotedHere(flag ?? encoded)}`)
    : { status: 200, json: found };
}
