import { z } from 'zod';
import { printableJson } from '../config/errors.ts';
import { ask, findAdmin, understood, type AdminOptions } from './admin-client.ts';

const reloaded = z.looseObject({ changed: z.array(z.string()) });

/** Milliseconds for a configuration whose rollouts and guards have to begin anew. */
const patience = 30_000;

export type ReloadOptions = AdminOptions & { json?: boolean };

/** Has a running proxy read its configuration again, and says what has changed; the exit code. */
export async function reload(options: ReloadOptions): Promise<number> {
  const admin = await findAdmin(options);
  const answer = await ask(admin, { method: 'POST', path: '/api/reload', within: patience });
  const { changed } = understood(reloaded, answer, admin);
  const said = changed.length === 0 ? 'nothing has changed' : `reloaded: ${changed.join(', ')}`;
  process.stdout.write(`${options.json === true ? printableJson({ changed }, 2) : said}\n`);
  return 0;
}
