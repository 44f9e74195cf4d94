import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { AdminConfig } from '../config/schema.ts';
import { refuse } from './admission.ts';
import { answerApi, type ApiParts } from './api.ts';
import { bodyBytes } from './api-answer.ts';

/** Whether the proxy should get traffic, and a sentence for each thing that has a say in it. */
export type Readiness = { ready: boolean; checks: Record<string, string> };

/** What the admin port shows and steers; asked at each request. */
export type AdminParts = ApiParts & {
  readiness(): Readiness;
  metrics(): Promise<{ contentType: string; text: string }>;
};

export type AdminServer = { address: AddressInfo; close(): Promise<void> };

const probes = new Set(['/livez', '/readyz']);

export function createAdminApp(config: AdminConfig, parts: AdminParts): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('Cache-Control', 'no-store');
    c.header('X-Content-Type-Options', 'nosniff');
    const refusal = refuse(c.req.raw.headers, config, !probes.has(c.req.path));
    if (refusal === undefined) return next();
    if (refusal.status === 401) c.header('WWW-Authenticate', 'Bearer');
    return problem(c, refusal.status, refusal.title);
  });
  app.get('/livez', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const { ready, checks } = parts.readiness();
    return c.json({ ready, checks }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    const { contentType, text } = await parts.metrics();
    return c.body(text, 200, { 'Content-Type': contentType });
  });
  app.use('/api/*', bodyLimit({ maxSize: bodyBytes, onError: (c) => problem(c, 400, tooLarge) }));
  app.all('/api/*', async (c) => {
    const { method, raw } = c.req;
    const path = new URL(raw.url).pathname;
    const answer = await answerApi({ method, path, body: () => c.req.arrayBuffer() }, parts);
    if (answer.status === 200) return c.json(answer.json);
    if (answer.status === 405) c.header('Allow', answer.allow);
    return problem(c, answer.status, answer.title, answer.detail);
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
  const server = createAdaptorServer({ fetch: createAdminApp(config, parts).fetch }) as Server;
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
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
