import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

await t.test(
  'the page fits narrow and wide screens, light and dark',
  { skip: skipWithoutChromium() },
  async (t) => {
    const { page, load, complaints } = await openRaccoonPage(t);
    await load();
    await page.click('#visitor-34');
    await page.locator('#version', { hasText: 'v1' }).waitFor();
    // The pictures are for people to look at.
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [360, 1440]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
        t.ok(wide <= width, `${wide} pixels wide at ${width}`);
        const cell = await page.locator('#visitor-1').boundingBox();
        t.ok(Math.min(cell?.width ?? 0, cell?.height ?? 0) >= 24, 'a cell is large enough for a finger');
        await page.screenshot({ path: `artifacts/page-${width}-${colorScheme}.png`, fullPage: true });
      }
    t.same(complaints, []);
  },
);
