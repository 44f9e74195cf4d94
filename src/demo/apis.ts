import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { packageFile } from '../package.ts';
import { type Fact, factsV0 } from './facts-v0.ts';
import { factsV1 } from './facts-v1.ts';

/**
 * Where the raccoons live: both versions of the Raccoon Facts API, and the page, on one plain server. They know
 * nothing of versions in headers; that is the business of whoever stands in front.
 */
export type RaccoonApis = {
  /** `http://HOST:PORT`, without a slash at the end. */
  url: string;
  /** From now on three in ten of v1's answers are a 500. */
  breakV1: () => void;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
};

type Answer = { status: number; type: string; body: string; headers?: Record<string, string> };
type Resource = () => Answer;

/** The share of its answers that a broken v1 fails. */
const failing = 0.3;

const json = 'application/json';
const pageTypes: Record<string, string> = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'raccoon.svg': 'image/svg+xml; charset=utf-8',
};

const always = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Starts the raccoon APIs: `GET /v0/fact/` and `GET /v1/fact/` answer `{ id, fact, source }`, `/` is the page.
 * Port 0 lets the system choose. `random` gives numbers from 0 up to, but not including, 1.
 *
 * Rejects when the address cannot be bound, with Node's own error (`EADDRINUSE`).
 */
export async function startRaccoonApis(options: {
  host: string;
  port: number;
  random?: () => number;
}): Promise<RaccoonApis> {
  const random = options.random ?? Math.random;
  let broken = false;
  const v1 = () =>
    broken && random() < failing
      ? problem(500, 'The raccoon has dropped the fact.')
      : pickFact(factsV1, random);
  const resources = new Map<string, Resource>([
    ['/v0/fact/', () => pickFact(factsV0, random)],
    ['/v1/fact/', v1],
    ...(await readPage()),
  ]);
  const server = createServer((request, response) => send(request, response, answerTo(request, resources)));
  // Longer than a proxy keeps its idle sockets, so that it never sends on one we have just closed.
  server.keepAliveTimeout = 120_000;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    url: urlOf(server.address()),
    breakV1: () => void (broken = true),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Answers are written whole and at once: what is still open waits for nothing.
        server.closeAllConnections();
      }),
  };
}

function urlOf(bound: AddressInfo | string | null): string {
  if (bound === null || typeof bound === 'string') throw new TypeError('the server is not bound to a port');
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}`;
}

function answerTo(request: IncomingMessage, resources: Map<string, Resource>): Answer {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const resource = resources.get(path);
  if (resource === undefined)
    return problem(404, 'Nothing lives here. Try /v0/fact/, /v1/fact/ or the page at /.');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...problem(405, 'Only GET and HEAD are answered here.'), headers: { allow: 'GET, HEAD' } };
  return resource();
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...always,
    ...answer.headers,
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

const problem = (status: number, error: string): Answer => ({
  status,
  type: json,
  body: JSON.stringify({ error }),
});

function pickFact(facts: readonly Fact[], random: () => number): Answer {
  const index = Math.floor(random() * facts.length);
  return { status: 200, type: json, body: JSON.stringify({ id: index + 1, ...facts[index] }) };
}

/** The page's files by path. They are not compiled, so every build finds them in the sources. */
async function readPage(): Promise<[string, Resource][]> {
  const folder = packageFile('src/demo/page');
  return Promise.all(
    Object.entries(pageTypes).map(async ([name, type]): Promise<[string, Resource]> => {
      const body = await readFile(join(folder, name), 'utf8');
      return [name === 'index.html' ? '/' : `/${name}`, () => ({ status: 200, type, body })];
    }),
  );
}
