import { z } from 'zod';
import { cookieName, duration, headerName } from './scalars.ts';

/** One place of a request where a value can stand. `jwt` is decoded, not verified. */
export type Source = { hash: boolean } & (
  | { from: 'cookie'; name: string }
  | { from: 'header'; name: string }
  | { from: 'query'; name: string }
  | { from: 'jwt'; carrier: { from: 'cookie' | 'header'; name: string }; claim: string }
);

const oneOf = 'exactly one of cookie, header, query and jwt';
const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie']);

const jwt = z
  .strictObject({
    header: headerName.optional().describe('The header that holds the token; `Bearer ` before it is dropped.'),
    cookie: cookieName.optional().describe('The cookie that holds the token.'),
    claim: z.string().min(1).describe('The claim to read. The token is decoded, its signature is not verified.'),
  })
  .transform(({ header, cookie, claim }, ctx) => {
    if ((header === undefined) === (cookie === undefined)) {
      ctx.addIssue({ code: 'custom', message: 'exactly one of header and cookie' });
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
    query: z.string().min(1).optional().describe('A parameter of the query.'),
    jwt: jwt.optional().describe('A claim of a JSON Web Token.'),
    hash: z.boolean().prefault(false).describe('Use the SHA-256 of the value, in hexadecimal.'),
  })
  .transform(({ cookie, header, query, jwt: token, hash }, ctx): Source => {
    const given: Source[] = [];
    if (cookie !== undefined) given.push({ from: 'cookie', name: cookie, hash });
    if (header !== undefined) given.push({ from: 'header', name: header.toLowerCase(), hash });
    if (query !== undefined) given.push({ from: 'query', name: query, hash });
    if (token !== undefined) given.push({ from: 'jwt', ...token, hash });
    const [only] = given;
    if (only === undefined || given.length > 1) {
      ctx.addIssue({ code: 'custom', message: oneOf });
      return z.NEVER;
    }
    if (only.from === 'header' && secretHeaders.has(only.name) && !hash)
      ctx.addIssue({
        code: 'custom',
        path: ['header'],
        message: `${header} carries credentials: add \`hash: true\``,
        input: header,
      });
    return only;
  });

const anonymousCookie = z.strictObject({
  cookie: cookieName.prefault('trenchcoat_id').describe('Name of the cookie that keeps the minted key.'),
  maxAge: duration.prefault('365d').describe('How long the browser keeps it.'),
});

const reservedAttributes = new Set(['key', 'kind', 'anonymous', '_meta', '__proto__']);

const attributeName = z
  .string()
  .min(1)
  .refine((text) => !reservedAttributes.has(text) && !text.startsWith('/'), 'an attribute name of your own');

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
    .array(z.string().min(1))
    .prefault([])
    .describe("Attributes withheld from LaunchDarkly's events."),
});

const kindName = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'a context kind: letters, digits, -, _ and .')
  .refine((text) => text !== 'kind' && text !== 'multi', 'a context kind other than `kind` and `multi`');

/** Every context kind with its sources. The output is a list, in the order of the file. */
export const contexts = z.record(kindName, kind).transform((kinds, ctx) => {
  const cookies = new Map<string, string>();
  return Object.entries(kinds).map(([name, { anonymous, attributes, ...rest }]) => {
    const minted = anonymous ?? (name === 'user' ? anonymousCookie.parse({}) : 'off');
    if (minted !== 'off') {
      const other = cookies.get(minted.cookie);
      if (other !== undefined)
        ctx.addIssue({
          code: 'custom',
          path: [name, 'anonymous'],
          message: `the cookie ${minted.cookie} already keeps the anonymous key of ${other}`,
          input: minted.cookie,
        });
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
