import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../clock.ts';
import { printable } from '../config/errors.ts';
import { version } from '../package.ts';

/** One request to a service outside. */
export type Outbound = {
  method: 'GET' | 'POST' | 'PATCH';
  /** It may be a secret: people are shown its origin alone. */
  url: URL;
  /** In place of the address's own path, percent-encoded; sent as it is. */
  path?: string;
  headers: Record<string, string>;
  body?: string;
  /** Whose connections are used; one of its own unless told. */
  agent?: http.Agent;
  /** Bytes of an answer that are read. */
  most: number;
  /** Ends it before its time. */
  signal: AbortSignal;
  clock: Clock;
};

/** An answer, as far as it came. `whole` unless it was cut, late or longer than is read. */
export type Answer = { status: number; headers: http.IncomingHttpHeaders; body: string; whole: boolean };

/** Why there is no answer. The message is for people, and holds of the address its origin alone; `code` is the kind. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Milliseconds until an answer is whole. */
export const patience = 10_000;

/**
 * Sends it, and reads the answer, whatever its status: redirects are not followed. Settles within ten seconds; rejects
 * with an `OutboundError` when no head of an answer came.
 */
export async function send(request: Outbound): Promise<Answer> {
  const { url, signal, clock, most } = request;
  const over = new AbortController();
  const stop = (): void => over.abort();
  let late = false;
  const forget = clock.after(patience, () => {
    late = true;
    stop();
  });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const res = await headOf(request, over.signal);
    return { status: res.statusCode ?? 0, headers: res.headers, ...(await read(res, most)) };
  } catch (error) {
    throw late
      ? new OutboundError(`${url.origin} did not answer within ${patience / 1000} s`, 'late')
      : unanswered(url.origin, error);
  } finally {
    forget();
    signal.removeEventListener('abort', stop);
  }
}

const headOf = ({ method, url, path, headers, body, agent }: Outbound, signal: AbortSignal) =>
  new Promise<http.IncomingMessage>((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const req = request(url, {
      method,
      ...(path !== undefined && { path }),
      headers: {
        ...headers,
        'user-agent': `trenchcoat/${version}`,
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
      agent: agent ?? false,
      // Whatever the environment says.
      rejectUnauthorized: true,
      signal,
    });
    req.on('response', resolve).on('error', reject);
    // An upgrade that nobody asked for ends without an error.
    req.on('close', () => reject(new Error('it ended the connection without an answer')));
    req.end(body);
  });

async function read(res: http.IncomingMessage, most: number): Promise<Pick<Answer, 'body' | 'whole'>> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of res as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > most) break;
      chunks.push(chunk);
    }
  } catch {
    // Cut, or late: what came is what there is.
  }
  return { body: Buffer.concat(chunks).toString(), whole: res.complete && length <= most };
}

function unanswered(origin: string, error: unknown): OutboundError {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (code === 'ECONNREFUSED') return new OutboundError(`nothing listens on ${origin}`, code);
  if (code.startsWith('HPE_')) return new OutboundError(`${origin} does not speak HTTP`, 'HPE');
  const why = printable((message || code).slice(0, 200));
  return new OutboundError(`${origin} cannot be asked: ${why}`, code || why);
}
