import { once } from 'node:events';
import { EnvironmentError, UserError } from '../config/errors.ts';
import { address } from '../config/scalars.ts';
import { startRaccoonApis } from '../demo/apis.ts';

/** Runs the raccoon APIs alone, for a proxy to stand before, until SIGTERM or SIGINT. Resolves with 0. */
export async function demoApis(options: { listen: string }): Promise<number> {
  const { success, data } = address.safeParse(options.listen);
  if (!success) throw new UserError('--listen: expected HOST:PORT, such as 127.0.0.1:8000');
  const ended = Promise.race(['SIGTERM', 'SIGINT'].map((signal) => once(process, signal)));
  const apis = await startRaccoonApis(data).catch((error: unknown) => {
    throw new EnvironmentError(`cannot listen on ${options.listen}: ${(error as { code?: string }).code}`);
  });
  process.stdout.write(`the raccoon APIs are at ${apis.url}/v0/fact/ and ${apis.url}/v1/fact/\n`);
  await ended;
  await apis.close();
  return 0;
}
