import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startRaccoonApis } from '../../src/demo/apis.ts';
import { packageFile } from '../../src/package.ts';
import type { Clock } from '../../src/clock.ts';
import type { PersonVerb } from '../../src/rollout/transitions.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { launchChromium } from './chromium.ts';
import type { AccessLine } from './proxy.ts';

const shipped = packageFile('config/demo.yaml');

type Options = { upTo?: number; v1?: string; clock?: Clock };

/**
 * The demo's page in a real browser, behind the proxy as `trenchcoat demo` configures it. Visitors up to `upTo` get
 * version 1, all others 0; with a clock, the demo's own rollout decides, whose stages are timed by it alone. `v1` is the
 * address of another v1. `complaints` is what the browser had to say on its console.
 */
export async function openRaccoonPage(t: Test, options: Options = {}) {
  const proxy = await startDemo(t, options);
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, proxy, complaints, load: () => load(page, proxy.url) };
}

/** Resolves when every visitor was asked once. */
async function load(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator('.cell:not([data-version])').first().waitFor({ state: 'detached' });
}

/** Differs from the demo in its ports, in an access log, which goes to a file, and in a flag file for the rollout. */
async function startDemo(t: Test, { upTo = 50, v1, clock }: Options) {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
  t.teardown(() => apis.close());
  const { config } = await loadConfig(shipped, {
    DEMO_HOST: '127.0.0.1',
    DEMO_PORT: '0',
    DEMO_ADMIN: '127.0.0.1:0',
    DEMO_UPSTREAM: apis.url,
  });
  const upstream = config.upstreams['v1'];
  if (upstream !== undefined && v1 !== undefined) upstream.url = new URL(v1);
  const flagFile = join(folder, 'flags.yaml');
  const moveTo = (visitors: number) => writeFileSync(flagFile, flagFor(visitors));
  moveTo(upTo);

  const logFile = join(folder, 'log');
  const log = await createLog({ level: 'info', format: 'json', access: true }, { to: logFile });
  t.teardown(() => log.close());
  const flags = { source: 'local', file: flagFile } as const;
  const routes = config.routes.map((route) =>
    route.kind === 'plain' ? route : { ...route, guard: { ...route.guard, onRegression: 'off' as const } },
  );
  const app =
    clock === undefined
      ? await startApp({ ...config, flags, rollouts: new Map() }, log)
      : await startApp({ ...config, routes }, log, clock);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= app.stop());
  t.teardown(stop);

  return {
    url: `http://127.0.0.1:${app.listen.port}`,
    /** Gives version 1 to visitors up to this one. The proxy notices within a second. */
    moveTo,
    /** Does what a person may do with the rollout. */
    steer: (verb: PersonVerb) => app.rollouts()?.act('raccoon_facts_api', verb, 'a test'),
    /** The access lines of `/fact/` so far; a request's line is there within a second of its end. */
    facts: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}') && line.includes('"path":"/fact/"'))
        .map((line) => JSON.parse(line) as AccessLine),
    stop,
  };
}

const flagFor = (visitors: number): string => `
flags:
  raccoon_facts_api:
    on: true
    variations: [0, 1]
    targets: [{ variation: 1, values: [${Array.from({ length: visitors }, (_, i) => `visitor-${i + 1}`).join()}] }]
    fallthrough: { variation: 0 }
    offVariation: 0
`;
