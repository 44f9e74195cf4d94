/**
 * Maps what an upstream says of its own addresses to what its client knows: the client sees one origin, and paths
 * without the upstream's base path. Only strings come in and go out; a value is either mapped whole or left as it was,
 * byte for byte.
 */
export type Rewrite = (lowerCaseName: string, value: string) => string;

/** The response headers that a `Rewrite` may change, in lower case. */
export const rewritten: ReadonlySet<string> = new Set(['location', 'content-location', 'set-cookie']);

/** `basePath` is the one put before every path, without a slash at the end; empty when there is none. */
export function createRewrite(url: URL, basePath: string): Rewrite {
  const own: Own = { scheme: url.protocol, host: url.host, basePath };
  return (name, value) => {
    if (name === 'location' || name === 'content-location') return reference(value, own);
    return name === 'set-cookie' && basePath !== '' ? cookie(value, basePath) : value;
  };
}

/** The upstream's address: `host` in lower case and without the scheme's own port, as `URL` has it. */
type Own = { scheme: string; host: string; basePath: string };

// Scheme and authority are absent in a path; the rest is path, then query and fragment.
const parts = /^(?:([a-z]+:)?\/\/([^/?#\\]*))?([^?#]*)(.*)$/i;

/**
 * A URI reference to the upstream's own origin, at or below its base path, as the client's path. Left as it was:
 *
 * - another origin, another scheme included, and anything with user information;
 * - what is relative to the path of the request: it resolves alike on both sides;
 * - `..`, which may lead out of the base path;
 * - what browsers read otherwise than it is written: they drop tabs, line ends and outer blanks, and take `\` for `/`;
 * - a path that would begin with `//`: there the rest would be read as another host, to which anybody who can choose a
 *   path could send the client. With the base path before it, or the upstream's own host, it leads nowhere else.
 */
function reference(value: string, { scheme, host, basePath }: Own): string {
  if (unusual.test(value)) return value;
  const [, itsScheme, authority, path = '', rest = ''] = parts.exec(value) ?? [];
  if (authority === undefined) {
    if (!path.startsWith('/')) return value;
  } else if ((itsScheme ?? scheme).toLowerCase() !== scheme || plainHost(authority, scheme) !== host)
    return value;
  if (path.includes('\\') || (basePath !== '' && climbs.test(path))) return value;
  const inner = below(basePath, path);
  return inner === undefined || inner.startsWith('//') ? value : inner + rest;
}

const unusual = /[^\x20-\x7e\x80-\xff]|^ | $/;
const climbs = /\/(\.|%2e){2}(\/|$)/i;

const hostAndPort = /^(\[[^\]]*\]|[^:]+)(?::(\d*))?$/;

/** An authority in lower case, without the port that its scheme implies; undefined when it is none. */
function plainHost(authority: string, scheme: string): string | undefined {
  const [, host, port = ''] = hostAndPort.exec(authority.toLowerCase()) ?? [];
  const implied = port === '' || Number(port) === (scheme === 'https:' ? 443 : 80);
  return host === undefined || implied ? host : `${host}:${Number(port)}`;
}

/** The path below a base path, on segment borders, starting with `/`; undefined when it is not there. */
function below(basePath: string, path: string): string | undefined {
  if (!path.startsWith(basePath)) return undefined;
  const inner = path.slice(basePath.length);
  return inner === '' ? '/' : inner.startsWith('/') ? inner : undefined;
}

const pathAttribute = /(;[ \t]*path[ \t]*=[ \t]*)([^;]*)/gi;

/** A cookie with its path as the client knows it. A `;` ends an attribute even within quotes (RFC 6265 §5.2). */
function cookie(value: string, basePath: string): string {
  return value.replaceAll(pathAttribute, (whole, start: string, given: string) => {
    let end = given.length;
    while (given[end - 1] === ' ' || given[end - 1] === '\t') end -= 1;
    const inner = below(basePath, given.slice(0, end));
    return inner === undefined ? whole : start + inner + given.slice(end);
  });
}
