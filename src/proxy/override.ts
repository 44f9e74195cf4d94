import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Config } from '../config/schema.ts';

/** Lets a tester pin a version. `header` is in lower case. */
export type Override = { header: string; pinned(headers: IncomingHttpHeaders): string | undefined };

export const secretHeader = 'x-trenchcoat-secret';

/** Undefined when no override is configured, or its secret is empty. */
export function createOverride(config: Config['override']): Override | undefined {
  if (config === undefined || config.secret === '') return undefined;
  const header = config.header.toLowerCase();
  const expected = digest(Buffer.from(config.secret));
  return {
    header,
    pinned(headers) {
      const version = headers[header];
      const secret = headers[secretHeader];
      if (typeof version !== 'string' || typeof secret !== 'string') return undefined;
      // Node hands header bytes over as latin1.
      return timingSafeEqual(digest(Buffer.from(secret, 'latin1')), expected) ? version : undefined;
    },
  };
}

/** Equal length whatever the client sends, so that the comparison tells nothing. */
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
