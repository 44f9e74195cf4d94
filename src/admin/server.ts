import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import type { AdminConfig } from '../config/schema.ts';
import { refuse } from './admission.ts';
import { answerApi, type ApiParts } from './api.ts';
import { bodyBytes } from './api-answer.ts';
import { createCrowd, deadlines, type Crowd } from './connections.ts';
import { createLive, type Live, type LiveParts } from './live.ts';
import { readPage, type Page } from './page.ts';

/** Whether the proxy should get traffic, and a sentence for each thing that has a say in it. */
export type Readiness = { ready: boolean; checks: Record<string, string> };

/** What the admin port shows and steers; asked at each request. */
export type AdminParts = ApiParts &
  LiveParts & {
    readiness(): Readiness;
    metrics(): Promise<{ contentType: string; text: string }>;
  };

export type AdminServer = { address: AddressInfo; close(): Promise<void> };

const probes = new Set(['/livez', '/readyz']);

/** What no browser is to do with anything from here. */
const always = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};
const nothingAllowed = "default-src 'none'; frame-ancestors 'none'";

/** Browsers know how to ask for Basic alone. */
const challenges = ['Basic realm="trenchcoat: any name, and the token", charset="UTF-8"', 'Bearer'];

type App = Hono<{ Bindings: HttpBindings }>;

function createAdminApp(config: AdminConfig, parts: AdminParts, live: Live, crowd: Crowd): App {
  const app: App = new Hono();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(always)) c.header(name, value);
    c.header('Content-Security-Policy', nothingAllowed);
    const isProbe = probes.has(c.req.path);
    const refusal = refuse(c.req.raw, config, !isProbe);
    if (refusal === undefined) {
      if (!isProbe) crowd.admit(c.env.incoming.socket);
      return next();
    }
    // Two lines, which hono would make one of: Chromium takes that for a single scheme that it does not know.
    if (refusal.status === 401) c.env.outgoing.setHeader('WWW-Authenticate', challenges);
    return problem(c, refusal.status, refusal.title);
  });
  app.get('/livez', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const { ready, checks } = parts.readiness();
    const isStranger = refuse(c.req.raw, config, true) !== undefined;
    return c.json({ ready, ...(!isStranger && { checks }) }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    const { contentType, text } = await parts.metrics();
    return c.body(text, 200, { 'Content-Type': contentType });
  });
  app.get('/api/live', (c) => {
    if (live.isFull()) return problem(c, 503, 'Too many look on already');
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
    return streamSSE(c, (stream) =>
      live.show({
        write: (data) => stream.writeSSE({ event: 'snapshot', data }),
        onLeft: (listener) => stream.onAbort(listener),
      }),
    );
  });
  app.use('/api/*', bodyLimit({ maxSize: bodyBytes, onError: (c) => problem(c, 400, tooLarge) }));
  app.all('/api/*', async (c) => {
    const { method, raw } = c.req;
    const { pathname: path, searchParams: query } = new URL(raw.url);
    const answer = await answerApi({ method, path, query, body: () => c.req.arrayBuffer() }, parts);
    if (answer.status === 200) return c.json(answer.json);
    if (answer.status === 405) c.header('Allow', answer.allow);
    return problem(c, answer.status, answer.title, answer.detail);
  });
  // Read when somebody first looks, and again should that fail.
  let page: Promise<Page> | undefined;
  const readAgain = (error: unknown) => {
    page = undefined;
    throw error;
  };
  app.get('*', async (c) => {
    const { files, policy } = await (page ??= readPage().catch(readAgain));
    const file = files.get(c.req.path);
    if (file === undefined) return problem(c, 404, 'Nothing is served at this path');
    c.header('Content-Security-Policy', policy);
    return c.body(file.body, 200, { 'Content-Type': file.type });
  });
  app.notFound((c) => problem(c, 404, 'Nothing is served at this path'));
  app.onError((_error, c) => problem(c, 500, 'The admin port failed'));
  return app;
}

const tooLarge = `The body is larger than ${bodyBytes} bytes`;

type Status = 400 | 401 | 403 | 404 | 405 | 409 | 421 | 500 | 503;

function problem(c: Context, status: Status, title: string, detail?: string): Response {
  return c.body(`${JSON.stringify({ type: 'about:blank', title, status, detail })}\n`, status, {
    'Content-Type': 'application/problem+json',
  });
}

/** Rejects with Node's error when the address cannot be bound. */
export async function startAdmin(config: AdminConfig, parts: AdminParts): Promise<AdminServer> {
  const live = createLive(parts);
  const crowd = createCrowd();
  const app = createAdminApp(config, parts, live, crowd);
  const server = createServer(deadlines, crowd.inTurn(getRequestListener(app.fetch)));
  crowd.bound(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.address.port, config.address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        live.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
