import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('an anonymous visitor sees a fact, its source and its version', options, async (t) => {
  const { page, proxy, load, complaints } = await openRaccoonPage(t);
  await load();
  t.equal(await page.locator('#version').textContent(), 'v0');
  t.equal(await page.locator('#you').textContent(), 'an anonymous visitor');
  t.match(await page.locator('#fact').textContent(), /\w{3,}.*\./);
  t.match(await page.locator('#source').textContent(), /\w{3,}/);
  t.ok(await page.locator('#anonymous').isDisabled());
  t.equal(await page.locator('[aria-pressed=true]').count(), 0);
  t.equal(proxy.state.minted, 1, 'and one key was minted for them');
  t.same(complaints, []);
});

await t.test('the next visitor, a chosen one and nobody ask in turn', options, async (t) => {
  const { page, proxy, load } = await openRaccoonPage(t);
  await page.goto(proxy.url);
  await page.click('#next');
  await page.locator('#version', { hasText: 'v1' }).waitFor();
  t.equal(await page.locator('#you').textContent(), 'visitor-1');
  t.equal(await page.locator('[aria-pressed=true]').getAttribute('id'), 'visitor-1');
  t.match(await page.evaluate('document.cookie'), /uid=visitor-1$/);

  await page.click('#visitor-77');
  await page.locator('#version', { hasText: 'v0' }).waitFor();
  t.equal(await page.locator('#you').textContent(), 'visitor-77');
  await page.click('#next');
  await page.locator('#you', { hasText: 'visitor-78' }).waitFor();

  await load();
  t.equal(await page.locator('#you').textContent(), 'visitor-78', 'a reload changes nobody');
  t.equal(
    await page.locator('.cell[data-version="1"]').count(),
    50,
    'the cookie does not speak for the crowd',
  );

  await page.click('#anonymous');
  await page.locator('#you', { hasText: 'an anonymous visitor' }).waitFor();
  t.notMatch(await page.evaluate('document.cookie'), /uid=/);
  t.equal(await page.locator('[aria-pressed=true]').count(), 0);
});
