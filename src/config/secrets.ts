import type { Config } from './schema.ts';

/** A text that nobody may read in a log, and the key it stands under. */
export type Secret = { key: string; text: string };

/**
 * Characters below which a text is not looked for: it would be found in half of all that is said, and what is left out
 * would give it away.
 */
export const shortestSecret = 6;

/**
 * Every secret of a configuration, in each form that a library may write it in. They are the keys that the schema marks
 * `writeOnly`; of an address it is the part that lets somebody in.
 */
export function secretsOf({ admin, flags, notify, override, routes, state }: Config): Secret[] {
  const found: [key: string, ...texts: (string | undefined)[]][] = [
    ['admin.token', admin?.token],
    ['override.secret', override?.secret],
    ...notify.map(({ webhook, secret }, i): [string, ...(string | undefined)[]] => [
      `notify[${i}]`,
      secret,
      secret?.replace(/^whsec_/, ''),
      ...placeOf(webhook),
    ]),
    ...routes.map((route, i): [string, string | undefined] => [
      `routes[${i}].guard.launchdarkly.apiToken`,
      route.kind === 'flag' ? route.guard.launchdarkly?.apiToken : undefined,
    ]),
  ];
  if (flags.source === 'launchdarkly')
    found.push(
      ['flags.sdkKey', flags.sdkKey],
      ['flags.proxy', ...credentialsOf(flags.proxy)],
      ['flags.store', ...credentialsOf(flags.store)],
    );
  if (state.kept === 'redis') found.push(['state', ...credentialsOf(state.url)]);
  return found.flatMap(([key, ...texts]) =>
    [...new Set(texts)].flatMap((text) => (text === undefined || text === '' ? [] : [{ key, text }])),
  );
}

/** Path and query, which are all that guards a webhook. A short path is a name. */
const placeOf = ({ pathname, search }: URL): string[] =>
  [pathname, search.slice(1)].filter((text) => text.length >= shortestSecret);

/** The password as it is written and as it is meant, and both names as HTTP sends them; a user alone may be a token. */
function credentialsOf(url: URL | undefined): string[] {
  if (url === undefined) return [];
  const [user, password] = [plain(url.username), plain(url.password)];
  const pair = user === '' && password === '' ? '' : Buffer.from(`${user}:${password}`).toString('base64');
  return url.password === '' ? [url.username, user, pair] : [url.password, password, pair];
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
