import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('the crowd is one stop for the tab key, and the arrows walk in it', options, async (t) => {
  const { page, proxy } = await openRaccoonPage(t);
  await page.goto(proxy.url);
  await page.locator('#version', { hasText: 'v0' }).waitFor();
  const focused = () => page.evaluate('document.activeElement.id');
  await page.click('#next');
  await page.locator('#version', { hasText: 'v1' }).waitFor();
  await page.focus('#anonymous');
  await page.keyboard.press('Tab');
  t.equal(await focused(), 'visitor-1');
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowUp'])
    await page.keyboard.press(key);
  t.equal(await focused(), 'visitor-12');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowRight');
  t.equal(await focused(), 'visitor-100');
  await page.keyboard.press('Enter');
  await page.locator('#you', { hasText: 'visitor-100' }).waitFor();
  t.equal(await page.locator('.cell[tabindex="0"]').count(), 1);
});
