import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('nothing is asked while the tab is hidden', options, async (t) => {
  const { page, proxy } = await openRaccoonPage(t);
  let asked = 0;
  page.on('request', (request) => (asked += Number(request.url().endsWith('/fact/'))));
  await page.clock.install();
  await page.goto(proxy.url);
  await page.locator('.cell[data-version]').nth(10).waitFor();
  const hide = (hidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
      document.dispatchEvent(new Event('visibilitychange'));`);

  await hide(true);
  // What is under way comes to its end. From here the page's clock runs only when told to.
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.waitForLoadState('networkidle');
  const before = asked;
  await page.clock.runFor(10_000);
  t.equal(asked, before, 'in ten hidden seconds');

  await hide(false);
  await page.clock.resume();
  await page.locator('.cell:not([data-version])').first().waitFor({ state: 'detached' });
  t.ok(asked > before, 'and it goes on when seen again');
});
