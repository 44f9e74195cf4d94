/** The request target, as the bytes of the request line have it. Nothing is decoded or resolved. */
export type Target = {
  /** Path and query for the upstream, starting with `/`; or `*`, which stands for the whole server. */
  path: string;
  /** The part before the query, for matching and for the log. */
  pathname: string;
  /** The authority of an absolute-form target (RFC 9112 §3.2.2), which stands in for Host. */
  authority: string | undefined;
};

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i;

/** Blanks and control bytes: no target may hold them, and Node's parser lets some pass. */
const unfit = /[^\x21-\x7e\x80-\xff]/;

/** Undefined for a target that is malformed, or has no path to route by. */
export function parseTarget(url: string, method: string): Target | undefined {
  if (unfit.test(url)) return undefined;
  if (url === '*')
    return method === 'OPTIONS' ? { path: '*', pathname: '*', authority: undefined } : undefined;
  if (url.startsWith('/')) return originForm(url, undefined);
  const [, authority, rest = ''] = absoluteForm.exec(url) ?? [];
  if (authority === undefined || authority === '') return undefined;
  // RFC 9112 §3.2.4.
  if (method === 'OPTIONS' && rest === '') return { path: '*', pathname: '*', authority };
  return originForm(rest.startsWith('/') ? rest : `/${rest}`, authority);
}

function originForm(path: string, authority: string | undefined): Target {
  const query = path.indexOf('?');
  return { path, pathname: query < 0 ? path : path.slice(0, query), authority };
}

/** What routes are found by: `*` is served where `/` is. */
export const pathToRoute = ({ pathname }: Target): string => (pathname === '*' ? '/' : pathname);

/** `uri-host [ ":" port ]` of RFC 9110 §7.2, or nothing at all. */
const authorityForm = /^((\[[\da-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?)?$/;

let last: { authority: string; host: string | undefined } = { authority: '', host: '' };

/**
 * The host of an authority or a Host header, without its port, in lower case; undefined for what is none. Most requests
 * name the host that the one before named.
 */
export function hostName(authority: string): string | undefined {
  if (last.authority !== authority) {
    const host = authorityForm.test(authority) ? authority.replace(/:\d*$/, '').toLowerCase() : undefined;
    last = { authority, host };
  }
  return last.host;
}

/** What is asked of an upstream whose base path is `basePath`. */
export const upstreamPath = (basePath: string, { path }: Target): string =>
  path === '*' ? '*' : basePath + path;
