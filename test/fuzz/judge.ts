import { judgeAnswers } from './judge-answers.ts';
import { judgeArrivals } from './judge-arrivals.ts';
import { readConversation } from './request-reader.ts';
import type { Observation } from './world.ts';

/** Throws what is wrong with what was seen. */
export async function judge(seen: Observation, upstreamHost: string): Promise<void> {
  const meant = readConversation(seen.sent);
  const arrived = await judgeArrivals(meant, seen, upstreamHost);
  await judgeAnswers(meant, arrived, seen);
  if (seen.hung) throw new Error('the connection neither served its requests nor ended');
}
