import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import { launchChromium } from './chromium.ts';

const compiled = pathToFileURL(join(import.meta.dirname, '../../src/admin/dashboard/')).href;

/**
 * The dashboard of this admin port in a real browser that can reach nothing else. `complaints` is what the browser had to
 * say on its console, a violation of the page's policy among it, and whom else the page asked.
 */
export async function openDashboard(
  t: Pick<Test, 'teardown'>,
  adminPort: number,
  { hash = '', ...options }: BrowserContextOptions & { hash?: string } = {},
): Promise<{ page: Page; complaints: string[]; url: string }> {
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const origin = `http://127.0.0.1:${adminPort}`;
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.route(
    (url) => url.origin !== origin,
    (route) => {
      complaints.push(`asked ${route.request().url()}`);
      return route.abort();
    },
  );
  await countCoverage(t, page);
  const url = `${origin}/${hash}`;
  await page.goto(url);
  await page.locator('.chip[data-live="live"]').waitFor();
  return { page, complaints, url };
}

/** What the page runs of its scripts counts as what a process runs of the others does: see coverage.ts. */
async function countCoverage(t: Pick<Test, 'teardown'>, page: Page): Promise<void> {
  await page.coverage.startJSCoverage({ resetOnNavigation: false });
  t.teardown(async () => {
    const entries = await page.coverage.stopJSCoverage();
    const result = entries.flatMap(({ url, scriptId, functions }) => {
      const [, name] = /\/dashboard\/([\w-]+\.js)$/.exec(url) ?? [];
      return name === undefined ? [] : [{ url: compiled + name, scriptId, functions }];
    });
    const folder = resolve('.tap/coverage');
    mkdirSync(folder, { recursive: true });
    pages += 1;
    writeFileSync(join(folder, `${process.pid}-page-${pages}.json`), JSON.stringify({ result }));
  });
}

let pages = 0;

/** The rows of a chart's table that is open, newest first: the time, then what each line says. */
export const rowsOf = async (page: Page, title: string): Promise<string[][]> => {
  const table = page.getByRole('region', { name: `${title}, as a table` });
  const rows = await table.locator('tbody tr').all();
  return Promise.all(rows.map((row) => row.locator('th, td').allInnerTexts()));
};
