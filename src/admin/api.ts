import { nothingHere, type ApiAnswer, type ApiRequest } from './api-answer.ts';
import { answerExplain, type Explain } from './explain-api.ts';
import { answerGuard, type Guards } from './guard-api.ts';
import { answerHistory, type Histories } from './history-api.ts';
import { answerReload, type Reload } from './reload-api.ts';
import { answerRollouts, type Rollouts } from './rollouts-api.ts';

/** What can be seen and steered. Without `rollouts`, LaunchDarkly runs them; without `guards`, nothing is watched. */
export type ApiParts = {
  rollouts?: Rollouts | undefined;
  guards?: Guards | undefined;
  histories: Histories;
  explain: Explain;
  reload: Reload;
};

/** Answers what is asked below `/api/`. */
export async function answerApi(request: ApiRequest, parts: ApiParts): Promise<ApiAnswer> {
  const [, api, room, ...below] = request.path.split('/');
  if (api !== 'api') return nothingHere;
  if (room === 'rollouts') return answerRollouts(request, below, parts.rollouts);
  if (room === 'guard') return answerGuard(request, below, parts.guards);
  if (room === 'history') return answerHistory(request, below, parts.histories);
  if (room === 'reload' && below.length === 0) return answerReload(request, parts.reload);
  if (room === 'explain' && below.length === 0) return answerExplain(request, parts.explain);
  return nothingHere;
}
