import { z } from 'zod';
import { cookieAge, cookieName, form, headerName, mistake, text } from './scalars.ts';

/** One place of a request where a value can stand. `jwt` is decoded, not verified. */
export type Source = { hash: boolean } & (
  | { from: 'cookie'; name: string }
  | { from: 'header'; name: string }
  | { from: 'query'; name: string }
  | { from: 'jwt'; carrier: { from: 'cookie' | 'header'; name: string }; claim: string }
);

const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie']);

const jwt = z
  .strictObject({
    header: headerName
      .optional()
      .describe('The header that holds the token; `Bearer ` before it is dropped.'),
    cookie: cookieName.optional().describe('The cookie that holds the token.'),
    claim: text('the name of a claim').describe(
      'The claim to read. The token is decoded, its signature is not verified.',
    ),
  })
  .transform(({ header, cookie, claim }, ctx) => {
    if ((header === undefined) === (cookie === undefined)) {
      mistake(ctx, [], 'a token is in exactly one of `header` and `cookie`');
      return z.NEVER;
    }
    const carrier =
      header === undefined
        ? { from: 'cookie' as const, name: cookie ?? '' }
        : { from: 'header' as const, name: header.toLowerCase() };
    return { carrier, claim };
  });

const source = z
  .strictObject({
    cookie: cookieName.optional().describe('A cookie.'),
    header: headerName.optional().describe('A request header.'),
    query: text('the name of a parameter').optional().describe('A parameter of the query.'),
    jwt: jwt.optional().describe('A claim of a JSON Web Token.'),
    hash: z.boolean().prefault(false).describe('Use the SHA-256 of the value, in hexadecimal.'),
  })
  .meta({ title: 'a source' })
  .transform(({ cookie, header, query, jwt: token, hash }, ctx): Source => {
    const given: Source[] = [];
    if (cookie !== undefined) given.push({ from: 'cookie', name: cookie, hash });
    if (header !== undefined) given.push({ from: 'header', name: header.toLowerCase(), hash });
    if (query !== undefined) given.push({ from: 'query', name: query, hash });
    if (token !== undefined) given.push({ from: 'jwt', ...token, hash });
    const [only] = given;
    if (only === undefined || given.length > 1) {
      mistake(ctx, [], 'a source is exactly one of `cookie`, `header`, `query` and `jwt`');
      return z.NEVER;
    }
    if (only.from === 'header' && secretHeaders.has(only.name) && !hash)
      mistake(ctx, ['header'], 'this header carries credentials; add `hash: true`');
    return only;
  });

/** Whether browsers keep a cookie of this name from TLS alone (RFC 6265bis §4.1.3). */
export const wantsTls = (cookie: string): boolean => /^__(Host|Secure|Http)-/i.test(cookie);

const anonymousCookie = z.strictObject({
  cookie: cookieName
    .prefault('trenchcoat_id')
    .describe(
      'Name of the cookie that keeps the minted key. With `__Host-` or `__Secure-` before it, it is given only to those who speak TLS, to us or to one of `trustedProxies` that says so in X-Forwarded-Proto; others get the default.',
    ),
  maxAge: cookieAge.prefault('365d').describe('How long the browser keeps it.'),
});

const reservedAttributes = new Set(['key', 'kind', 'anonymous', '_meta', '__proto__']);

const attributeName = text('an attribute name').refine(
  (text) => !reservedAttributes.has(text) && !text.startsWith('/'),
  'an attribute name of your own',
);

const kind = z.strictObject({
  key: z.array(source).prefault([]).describe('The first source that yields a usable value is the key.'),
  anonymous: z
    .union([z.literal('off'), anonymousCookie])
    .optional()
    .describe(
      'What to do when no source matched: keep a minted key in a cookie, or `off`. ' +
        'Default: `{ cookie: trenchcoat_id, maxAge: 365d }` for the kind `user`, `off` for others.',
    ),
  attributes: z.record(attributeName, source).prefault({}).describe('Further attributes, by name.'),
  private: z
    .array(text('an attribute name'))
    .prefault([])
    .describe("Attributes withheld from LaunchDarkly's events."),
});

const kindName = form(/^[\w.-]{1,64}$/, 'a context kind: letters, digits, -, _ and .').refine(
  (text) => text !== 'kind' && text !== 'multi',
  'a context kind other than `kind` and `multi`',
);

/** Every context kind with its sources. The output is a list, in the order of the file. */
export const contexts = z.record(kindName, kind).transform((kinds, ctx) => {
  const cookies = new Map<string, string>();
  return Object.entries(kinds).map(([name, { anonymous, attributes, ...rest }]) => {
    const minted = anonymous ?? (name === 'user' ? anonymousCookie.parse({}) : 'off');
    if (minted !== 'off') {
      const other = cookies.get(minted.cookie);
      if (other !== undefined)
        mistake(ctx, [name, 'anonymous'], `its cookie already keeps the anonymous key of ${other}`);
      cookies.set(minted.cookie, name);
    }
    return {
      kind: name,
      ...rest,
      anonymous: minted === 'off' ? undefined : minted,
      attributes: Object.entries(attributes).map(([attribute, from]) => ({ name: attribute, source: from })),
    };
  });
});

export type ContextKind = z.output<typeof contexts>[number];
