import type { Page } from 'playwright-core';
import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { until } from '../support/client.ts';
import { openDashboard, rowsOf } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

const options = { skip: skipWithoutChromium() };

/** Whether something on the chart of requests has this colour. */
const isDrawn = (page: Page, colour: number[]) =>
  page.evaluate<boolean>(`{
    const canvas = document.querySelectorAll('.plot canvas')[1];
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let found = false;
    for (let at = 0; at < data.length && !found; at += 4)
      found = [${colour.join()}].every((part, index) => data[at + index] === part) && data[at + 3] === 255;
    found;
  }`);

await t.test('charts share one time, and follow the window and its colours', options, async (t) => {
  const { proxy } = await startGuarded(t, { stage: '1h' });
  steadyClient(t, [proxy.port], { rate: 50 });
  const { page, complaints } = await openDashboard(t, proxy.adminPort, { colorScheme: 'light' });
  const plots = page.locator('.plot');
  const times = page.locator('.legend .at');
  await page.locator('.legend li', { hasText: /^v0\s*\d+ \/ s$/ }).waitFor();
  t.same(new Set(await times.allInnerTexts()), new Set(['latest']));
  t.equal(await plots.count(), 5);

  const told: string[] = [];
  await page.exposeFunction('heard', (text: string) => told.push(text));
  await page.evaluate(`new MutationObserver(() => heard(document.querySelectorAll('.legend')[1].innerText)).observe(
    document.querySelector('.charts'), { subtree: true, characterData: true, childList: true })`);
  await until(() => told.length > 5, 'some seconds', 20_000);
  // A busy machine may have sent nothing in one of them.
  t.ok(told.filter((text) => /\b0 \/ s/.test(text)).length < 2, `no false zeros: ${told.join()}`);

  await plots.nth(1).hover();
  await until(async () => (await times.first().innerText()) !== 'latest', 'the cursor');
  const [time, ...others] = new Set(await times.allInnerTexts());
  t.match(time, /^\d\d:\d\d:\d\d$/);
  t.same(others, [], 'one cursor for all');

  t.ok(await isDrawn(page, [31, 95, 168]), 'v0 in its colour');
  await page.emulateMedia({ colorScheme: 'dark' });
  await until(() => isDrawn(page, [125, 180, 242]), 'v0 in its colour for the dark');
  t.notOk(await isDrawn(page, [31, 95, 168]));

  const width = async () => (await page.locator('.plot canvas').first().boundingBox())?.width ?? 0;
  const wide = await width();
  await page.setViewportSize({ width: 500, height: 900 });
  await until(async () => (await width()) < 500, 'narrow charts');
  t.ok(wide > 600, `${wide} pixels before`);

  await page.getByText('a day', { exact: true }).click();
  await page.locator('.chart', { hasText: 'Requests a second' }).locator('summary').click();
  const rows = await rowsOf(page, 'Requests a second');
  t.ok(
    rows.every(([minute]) => minute?.endsWith(':00')),
    'by minutes',
  );
  t.same(complaints, []);
});
