import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { EnvironmentError, printable, UserError } from '../config/errors.ts';
import { hasCredentials, isHttpUrl } from '../config/http-url.ts';
import type { Config } from '../config/schema.ts';

/** Where a running proxy is steered. `host` is the Host header to send, when it is not the address's own. */
export type AdminPort = { url: URL; host?: string; token?: string };

/** How the admin port is named on the command line: by a configuration, or outright. */
export type AdminOptions = { config?: string; admin?: string; token?: string };

/**
 * The admin port of the proxy that is meant. Throws a `UserError` when nothing can be asked there; `vain` may say why
 * a configuration leaves nothing to ask for.
 */
export async function findAdmin(
  { config: named, admin, token }: AdminOptions,
  vain: (config: Config) => string | undefined = () => undefined,
): Promise<AdminPort> {
  if (token !== undefined) sendable(token, '--token');
  if (admin !== undefined) {
    if (!isHttpUrl(admin) || hasCredentials(admin))
      throw new UserError(
        '--admin: expected an http:// or https:// address without credentials, query or fragment, such as http://127.0.0.1:9901',
      );
    return { url: new URL(admin), ...(token !== undefined && { token }) };
  }
  // With an address given, nothing that reads configurations is loaded: a probe asks every few seconds.
  const { loadConfig } = await import('../config/load.ts');
  const { config, file } = await loadConfig(named);
  const place = printable(file);
  const why = vain(config);
  if (why !== undefined) throw new UserError(`${place}: ${why}`);
  if (config.admin === undefined)
    throw new UserError(
      `${place}: admin is off, so a running proxy cannot be asked; give it an address, such as 127.0.0.1:9901, and start the proxy anew`,
    );
  const { address, token: configured } = config.admin;
  if (address.port === 0)
    throw new UserError(
      `${place}: admin has port 0, so the system chose one at the start; name it with --admin URL, as the proxy's log has it`,
    );
  const bearer = token ?? configured;
  if (bearer !== undefined) sendable(bearer, `${place}: admin.token`);
  const host = `${reachable(address.host)}:${address.port}`;
  // A name that is bound need not be one that is served.
  return {
    url: new URL(`http://${host}`),
    host: `localhost:${address.port}`,
    ...(bearer !== undefined && { token: bearer }),
  };
}

function sendable(token: string, what: string): void {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UserError(`${what}: a header cannot carry it; expected visible ASCII characters`);
}

/** An address to ask for one to bind: bound to every address is asked on loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (!host.includes(':')) return host;
  return /^[0:]+$/.test(host) ? '[::1]' : `[${host}]`;
}

export type Asked = {
  method: 'GET' | 'POST';
  /** Below the address, percent-encoded. */
  path: string;
  body?: object;
  /** Milliseconds until the answer is whole. */
  within?: number;
  signal?: AbortSignal;
};

/**
 * Asks the admin port; the JSON of its answer. Throws a `UserError` with the `detail` of a refusal, or when something
 * else answers there; an `EnvironmentError` when nobody does, or the proxy cannot now; the signal's reason once it
 * is aborted.
 */
export async function ask(admin: AdminPort, asked: Asked): Promise<unknown> {
  const where = placeOf(admin);
  const { status, json } = await answerOf(admin, asked);
  if (status === 200 && json !== undefined) return json;
  const problem = detailOf(json);
  if (status === 401)
    throw new UserError(
      admin.token === undefined
        ? `${where} wants a token; give it with --token TOKEN, or with -c FILE as admin.token`
        : `${where} refuses the token; it has to be the admin.token that the proxy was started with`,
    );
  if (status === 421)
    throw new UserError(
      `${where} does not serve this host name; ask by IP address, or add the name to admin.hosts`,
    );
  if (status >= 500 && problem !== undefined)
    throw new EnvironmentError(`${where} cannot do this now: ${problem}`);
  if (status >= 400 && problem !== undefined) throw new UserError(problem);
  throw stranger(where, `it answered ${status}`);
}

/**
 * The admin port's answer, whatever its status; `json` when it is that. Throws a `UserError` when what answers does not
 * speak HTTP, an `EnvironmentError` when nobody answers, and the signal's reason once it is aborted.
 */
export async function answerOf(admin: AdminPort, asked: Asked): Promise<{ status: number; json: unknown }> {
  const { status, type, body } = await exchange(admin, asked).catch((error: unknown) => {
    asked.signal?.throwIfAborted();
    throw unanswered(error, placeOf(admin), asked);
  });
  return { status, json: /^application\/(problem\+)?json\b/.test(type) ? parsed(body) : undefined };
}

/** The address as it is shown to people. */
export const placeOf = ({ url }: AdminPort): string => printable(url.href.replace(/\/$/, ''));

/** An answer as it came, once it is known to fit. */
export function understood<T>(schema: z.ZodType<T>, answer: unknown, { url }: AdminPort): T {
  if (!schema.safeParse(answer).success)
    throw stranger(url.origin, 'its answer is of another form, or another version');
  return answer as T;
}

/** What something else than this proxy's admin port deserves. */
const stranger = (where: string, found: string) =>
  new UserError(
    `${where} does not answer as trenchcoat's admin port does: ${found}; name the address under \`admin\`, not the one under \`listen\``,
  );

function unanswered(error: unknown, where: string, { method, within = patience }: Asked): Error {
  const { name = '', code = '' } = error as { name?: string; code?: string };
  if (name === 'TimeoutError')
    return new EnvironmentError(
      method === 'GET'
        ? `${where} did not answer within ${within / 1000} s; see the proxy's log`
        : `${where} did not answer within ${within / 1000} s, and whether it did as asked is not known; ask for the status`,
    );
  if (code === 'ECONNREFUSED')
    return new EnvironmentError(
      `nothing listens on ${where}; start the proxy with \`trenchcoat run\`, or name its admin port with --admin URL`,
    );
  if (code.startsWith('HPE_')) return stranger(where, 'it does not speak HTTP');
  if (error instanceof TooLong) return stranger(where, 'its answer has no end');
  return new EnvironmentError(
    `${where} cannot be asked (${printable(code === '' ? String(error) : code)}); see that the proxy runs there`,
  );
}

const patience = 5000;

/** Bytes of an answer; a rollout's whole history is a hundred times less. */
const longest = 16 * 1024 ** 2;

class TooLong extends Error {}

async function exchange({ url, host, token }: AdminPort, { method, path, body, ...rest }: Asked) {
  const late = AbortSignal.timeout(rest.within ?? patience);
  const signal = rest.signal === undefined ? late : AbortSignal.any([late, rest.signal]);
  const { request } = url.protocol === 'https:' ? https : http;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  try {
    const res = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const req = request(new URL(`${url.pathname.replace(/\/$/, '')}${path}`, url), {
        method,
        signal,
        agent: false,
        headers: {
          accept: 'application/json',
          ...(host !== undefined && { host }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(payload !== undefined && { 'content-type': 'application/json' }),
        },
      });
      req.on('response', resolve).on('error', reject);
      req.end(payload);
    });
    return {
      status: res.statusCode ?? 0,
      type: res.headers['content-type'] ?? '',
      body: await text(bounded(res)),
    };
  } catch (error) {
    // The abort hides why.
    if (late.aborted) throw late.reason;
    throw error;
  }
}

async function* bounded(res: http.IncomingMessage): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of res as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longest) throw new TooLong();
    yield chunk;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What a problem says in a sentence; of a fault there is the title alone. */
function detailOf(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { detail, title, status } = json as { detail?: unknown; title?: unknown; status?: unknown };
  if (typeof detail === 'string') return detail.split('\n').map(printable).join('\n');
  return typeof title === 'string' && status === 500 ? title : undefined;
}
