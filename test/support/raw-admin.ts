import type { Test } from 'tap';
import type { RolloutView } from '../../src/rollout/view.ts';
import { askAdmin } from './admin-answer.ts';
import { rolledOut, startProxy } from './proxy.ts';
import { converse, statusOf } from './wire.ts';

export const host = 'Host: localhost\r\n';
export const close = 'Connection: close\r\n';

/** An admin port that is spoken to in bytes, and a rollout under way that somebody might want to end. */
export async function startRawAdmin(t: Pick<Test, 'teardown'>) {
  const nowhere = 'http://127.0.0.1:9';
  const { port, adminPort } = await startProxy(t, rolledOut(nowhere, nowhere, { stage: '1h' }));
  await askAdmin(adminPort, 'POST', '/api/rollouts/facts/start');
  /** Sends a head, without the empty line at its end, and a body. */
  const say = (head: string, body = '') => converse(adminPort, `${head}\r\n${body}`);
  return {
    port,
    adminPort,
    say,
    /** The statuses of the answers. */
    told: async (head: string, body = '') => (await say(head, body)).answers.map(statusOf),
    /** Whether the rollout is under way. */
    rolloutStatus: async () =>
      ((await askAdmin(adminPort, 'GET', '/api/rollouts/facts')).json as unknown as RolloutView).status,
  };
}
