import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('a hundred cells show who gets which version, and follow a change', options, async (t) => {
  const { page, proxy, load } = await openRaccoonPage(t);
  await load();
  t.equal(await page.locator('.cell').count(), 100);
  t.same(await page.locator('#legend li').allInnerTexts(), ['0\nv0 50', '1\nv1 50']);
  t.equal(await page.locator('#visitor-50').getAttribute('aria-label'), 'visitor-50: v1');
  t.equal(await page.locator('#visitor-51').textContent(), '0');
  await page.click('#visitor-55');
  await page.locator('#you', { hasText: 'visitor-55' }).waitFor();
  t.equal(await page.locator('#version').textContent(), 'v0');

  proxy.moveTo(60);
  await page.locator('#legend', { hasText: 'v1 60' }).waitFor();
  t.equal(await page.locator('.cell[data-version="1"]').count(), 60);
  await page.locator('#version', { hasText: 'v1' }).waitFor();
  t.equal(
    await page.locator('#you').textContent(),
    'visitor-55',
    'the fact of the current visitor follows too',
  );
});
