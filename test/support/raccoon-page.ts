import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { BrowserContextOptions } from 'playwright-core';
import type { Test } from 'tap';
import { startRaccoonApis } from '../../src/demo/apis.ts';
import { launchChromium } from './chromium.ts';

/**
 * The demo's page in a real browser, behind a stand-in for the proxy: who asks is the cookie `uid`, else
 * X-User-Id, else a minted cookie. `state` steers it: visitors up to `v1UpTo` get version 1, and facts are
 * answered with `status`; `asked` has the time of each question in milliseconds. `complaints` is what the browser had to say on its console.
 */
export async function openRaccoonPage(t: Test, options: BrowserContextOptions = {}) {
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
  const proxy = await startStandIn(apis.url);
  const browser = await launchChromium();
  t.teardown(async () => {
    await browser.close();
    await proxy.close();
    await apis.close();
  });
  const page = await browser.newPage(options);
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  /** Resolves when every visitor was asked once. */
  const load = async () => {
    await page.goto(proxy.url);
    await page.locator('.cell:not([data-version])').first().waitFor({ state: 'detached' });
  };
  return { page, proxy, complaints, load };
}

async function startStandIn(upstream: string) {
  const state = { v1UpTo: 50, status: 200, minted: 0, asked: [] as number[] };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const cookies = request.headers.cookie ?? '';
    const id = /\buid=([^;]+)/.exec(cookies)?.[1] ?? String(request.headers['x-user-id'] ?? 'anonymous');
    const version = Number(Number(id.replace('visitor-', '')) <= state.v1UpTo);
    const isFact = path.startsWith('/fact/');
    if (isFact) {
      state.asked.push(performance.now());
      response.setHeader('X-Api-Version', version);
      if (id === 'anonymous' && !cookies.includes('trenchcoat_id=')) {
        state.minted += 1;
        response.setHeader('Set-Cookie', 'trenchcoat_id=minted; Path=/; HttpOnly');
      }
    }
    if (isFact && state.status !== 200) {
      response.writeHead(state.status).end();
      return;
    }
    const answer = await fetch(upstream + (isFact ? `/v${version}` : '') + path);
    for (const name of ['content-type', 'content-security-policy', 'cache-control'])
      response.setHeader(name, answer.headers.get(name) ?? '');
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  const server = createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, state, close };
}
