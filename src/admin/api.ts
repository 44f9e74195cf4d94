import { nothingHere, type ApiAnswer, type ApiRequest } from './api-answer.ts';
import { answerGuard, type Guards } from './guard-api.ts';
import { answerRollouts, type Rollouts } from './rollouts-api.ts';

/** What can be seen and steered. Without `rollouts`, LaunchDarkly runs them; without `guards`, nothing is watched. */
export type ApiParts = { rollouts?: Rollouts | undefined; guards?: Guards | undefined };

/** Answers what is asked below `/api/`. */
export async function answerApi(request: ApiRequest, { rollouts, guards }: ApiParts): Promise<ApiAnswer> {
  const [, api, room, ...below] = request.path.split('/');
  if (api !== 'api') return nothingHere;
  if (room === 'rollouts') return answerRollouts(request, below, rollouts);
  if (room === 'guard') return answerGuard(request, below, guards);
  return nothingHere;
}
