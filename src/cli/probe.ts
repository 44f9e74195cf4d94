import { printable, UserError } from '../config/errors.ts';
import { answerOf, findAdmin, placeOf, type AdminOptions } from './admin-client.ts';
import { report } from './report.ts';

export type Probe = 'live' | 'ready';

/** `timeout` in milliseconds. */
export type ProbeOptions = AdminOptions & { timeout: number };

/**
 * Asks a running proxy whether it is alive, or ready. 0 when it is, 1 when it is not, after what it told of why.
 * Throws an `EnvironmentError`, exit code 2, when nobody answers in time. Orchestrators run this every few seconds, so
 * it loads next to nothing.
 */
export async function probe(probe: Probe, { timeout, ...where }: ProbeOptions): Promise<number> {
  const admin = await findAdmin(where);
  const { status, json } = await answerOf(admin, { method: 'GET', path: `/${probe}z`, within: timeout });
  if (status === 200) {
    process.stdout.write(`${probe}\n`);
    return 0;
  }
  const checks = checksOf(json);
  if (checks === undefined)
    throw new UserError(`${placeOf(admin)} is not ${probe}: it answered ${status}${titleOf(json)}`);
  process.stderr.write(report(`trenchcoat: ${placeOf(admin)} is not ${probe}`, checks));
  return 1;
}

/** Why it is not ready; undefined when it does not tell strangers. */
function checksOf(json: unknown): [string, string][] | undefined {
  const { checks } = (json ?? {}) as { checks?: unknown };
  if (typeof checks !== 'object' || checks === null) return undefined;
  return Object.entries(checks).map(([name, text]) => [name, String(text)]);
}

function titleOf(json: unknown): string {
  const { title } = (json ?? {}) as { title?: unknown };
  return typeof title === 'string' ? `, ${printable(title)}` : '';
}
