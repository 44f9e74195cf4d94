import { contexts } from '../../src/config/context-schema.ts';
import { createIdentify, type Identity } from '../../src/identity/identify.ts';

/** Compiles a `context` section; `mint` counts, so that minted keys can be told apart. */
export function identifier(
  section: unknown,
  { secure = false } = {},
): (headers: Record<string, string>, url?: string) => Identity {
  let minted = 0;
  const identify = createIdentify(contexts.parse(section), () => {
    minted += 1;
    return `00000000-0000-4000-8000-${String(minted).padStart(12, '0')}`;
  });
  return (headers, url = '/') => identify({ url, secure, headers });
}
