import { z } from 'zod';
import { hasCredentials, isHttpUrl } from './http-url.ts';

/** A host and a port to bind or to call. `host` has no brackets; port 0 lets the system choose. */
export type Address = { host: string; port: number };

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * A string of a form. `what` finishes the sentence "expected …", whatever was found instead; up to its first comma,
 * colon or "such as" it names the type in the reference.
 */
export const form = (pattern: RegExp, what: string) =>
  z
    .string(what)
    .regex(pattern, { error: what, abort: true })
    .meta({ title: what.split(/[,:] | such as /)[0] ?? what });

/** Milliseconds, written `250ms`, `30s`, `5m`, `12h` or `30d`, between two durations. */
function duration(least: string, most: string) {
  const what = `a duration of ${least} to ${most}`;
  return form(/^\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)$/, `${what}, such as 250ms, 30s, 5m, 12h or 7d`)
    .transform((text) => measure(text, durationUnits))
    .refine((ms) => ms >= measure(least, durationUnits) && ms <= measure(most, durationUnits), what);
}

// A timer holds 24 days, and two of these may be added up.
const longest = '12d';

/** The time after which something is given up: never zero, which would give up at once, or never. */
export const timeout = duration('1ms', longest);

/** A time to wait; zero does not wait. */
export const wait = duration('0s', longest);

/** How long a stage of a rollout lasts. */
export const stageTime = duration('1ms', '365d');

/** How long the guard of a route counts a user once. */
export const epochTime = duration('1m', '1d');

/** How long a browser keeps a cookie; browsers cut what is longer (RFC 6265bis §5.5). */
export const cookieAge = duration('1s', '400d');

/** Bytes, written `512B`, `16KiB`, `8MiB` or `1GiB`, from one byte on. */
function bytes(most: string) {
  const what = `a size of 1B to ${most}`;
  return form(/^\d{1,9}(B|KiB|MiB|GiB)$/, `${what}, such as 512B, 16KiB or 8MiB`)
    .transform((text) => measure(text, sizeUnits))
    .refine((amount) => amount >= 1 && amount <= measure(most, sizeUnits), what);
}

/** Bytes that are held in memory. */
export const size = bytes('1GiB');

/** Bytes that only pass through. */
export const streamSize = bytes('1024GiB');

function measure(text: string, units: Record<string, number>): number {
  const amount = Number.parseFloat(text);
  const unit = text.replace(/^[\d.]+/, '');
  return Math.round(amount * (units[unit] ?? Number.NaN));
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export const address = form(
  /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):\d{1,5}$/,
  'HOST:PORT, such as 0.0.0.0:8080 or [::]:8080',
)
  .refine((text) => portOf(text) <= 65_535, 'a port up to 65535')
  .transform((text): Address => ({
    host: text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
    port: portOf(text),
  }));

const portOf = (text: string) => Number(text.slice(text.lastIndexOf(':') + 1));

const httpUrlText = 'an http:// or https:// address';

/** An absolute `http:` or `https:` address without credentials, query or fragment. */
export const httpUrl = z
  .string(httpUrlText)
  .meta({ title: httpUrlText })
  .refine(
    (text) => isHttpUrl(text) && !hasCredentials(text),
    `${httpUrlText} without credentials, query or fragment`,
  )
  .transform((text) => new URL(text));

/** The same, with a query, which may be what makes it secret. */
export const hookUrl = z
  .string(httpUrlText)
  .meta({ title: httpUrlText, writeOnly: true })
  .refine(
    (text) => isHttpUrl(text.replace(/\?[^?#\s]*$/, '')) && !hasCredentials(text),
    `${httpUrlText} without credentials or fragment`,
  )
  .transform((text) => new URL(text));

/** The same, and it may hold `USER:PASSWORD@`; so it is a secret. */
export const proxyUrl = z
  .string(httpUrlText)
  .meta({ title: httpUrlText, writeOnly: true })
  .refine(isHttpUrl, `${httpUrlText} without query or fragment`)
  .transform((text) => new URL(text));

const redisUrlText = 'a redis:// or rediss:// address';

/** `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, over TLS with `rediss`. A secret, since it may hold a password. */
export const redisUrl = z
  .string(redisUrlText)
  .meta({ title: redisUrlText, writeOnly: true })
  .refine(isRedisUrl, `${redisUrlText}, such as redis://redis:6379 or rediss://:PASSWORD@redis:6379/0`)
  .transform((text) => new URL(text));

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false;
  const { protocol, hostname, pathname } = new URL(text);
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^\/?\d{0,5}$/.test(pathname);
}

/** A token of RFC 9110 §5.6.2: the alphabet of header names, methods and cookie names. */
const token = /^[\w!#$%&'*+.^`|~-]{1,128}$/;
export const headerName = form(token, 'a header name: letters, digits and -');
export const cookieName = form(token, 'a cookie name: letters, digits, - and _');
export const method = form(/^[A-Z][A-Z-]{0,31}$/, 'a method in capitals, such as GET');

/** A flag value as a YAML scalar; kept as the text that `X-Api-Version` will say. */
export const version = z
  .union([z.string(), z.number(), z.boolean()], 'a version: a string, a number, true or false')
  .meta({ title: 'a flag value' })
  .transform(String)
  .refine((text) => /^[\x21-\x7e]{1,64}$/.test(text), 'a version: 1 to 64 visible ASCII characters');

/** A string of at least one character. */
export const text = (what: string) => z.string(what).min(1, what).meta({ title: what });

/** Text that is shown to nobody, in an error least of all. */
export const secretText = text('a text that is not empty').meta({ writeOnly: true });

/**
 * Tells of a mistake in a whole sentence; `{}` in it stands for what was found, which is not shown when it came from
 * the environment. `allowed` is what could stand there instead.
 */
export function mistake(
  ctx: z.core.$RefinementCtx,
  path: readonly (string | number)[],
  message: string,
  allowed?: readonly string[],
): void {
  ctx.addIssue({ code: 'custom', path: [...path], message, params: { sentence: true, allowed } });
}

/** A name given in this file, to be used in it, in logs and in metrics. */
export const name = form(/^[\w.-]{1,64}$/, 'a name: 1 to 64 letters, digits, -, _ and .');
