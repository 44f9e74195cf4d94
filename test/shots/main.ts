import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import UPNG from 'upng-js';
import { startApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startRaccoonApis } from '../../src/demo/apis.ts';
import { startCrowd } from '../../src/demo/crowd.ts';
import { packageFile } from '../../src/package.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { launchChromium } from '../support/chromium.ts';

/**
 * Takes the dashboard's pictures anew: the demo in a hurry, seen in a rollout's second stage, and just after v1 broke there and
 * the guard took everybody back.
 */
const folder = packageFile('src/admin/dashboard/pictures');
const viewport = { width: 1200, height: 1080 };
const stage = '30s';
/** Fewer make smaller files. */
const colours = 128;

const apis = await startRaccoonApis({ host: '127.0.0.1', port: 0 });
const { config } = await loadConfig(packageFile('config/demo.yaml'), {
  DEMO_PORT: '0',
  DEMO_ADMIN: '127.0.0.1:0',
  DEMO_UPSTREAM: apis.url,
  DEMO_STAGE: stage,
  DEMO_LOG: 'fatal',
});
const app = await startApp(config, await createLog(config.log));
const url = `http://127.0.0.1:${app.listen.port}/fact/`;
const crowd = startCrowd({ url, every: 700, clock: systemClock });
const browser = await launchChromium();
const page = await browser.newPage({ viewport, colorScheme: 'light', reducedMotion: 'reduce' });
page.setDefaultTimeout(120_000);
mkdirSync(folder, { recursive: true });

try {
  await page.goto(`http://127.0.0.1:${app.admin?.port}/`);
  await page.locator('.more', { hasText: /Stage 2 of 2, 1\d s left/ }).waitFor();
  await take(page, 'rollout.png');
  apis.breakV1();
  await page.getByRole('alert').first().waitFor();
  // Until the charts show that everybody is back.
  await page.locator('.legend li', { hasText: /^v1\s*0 \/ s$/ }).waitFor();
  await page.getByText('observed, last').waitFor();
  await take(page, 'rollback.png');
} finally {
  await browser.close();
  crowd.stop();
  await app.stop();
  await apis.close();
}

async function take(page: Page, name: string): Promise<void> {
  const taken = UPNG.decode(new Uint8Array(await page.screenshot()).buffer);
  const smaller = UPNG.encode(UPNG.toRGBA8(taken), taken.width, taken.height, colours);
  writeFileSync(join(folder, name), new Uint8Array(smaller));
  process.stdout.write(`${join(folder, name)}\n`);
}
