import type { Response } from 'playwright-core';
import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };
const isForYou = (answer: Response) =>
  answer.url().endsWith('/fact/') && answer.request().headers()['x-user-id'] === undefined;

await t.test('an anonymous visitor sees a fact, its source and its version', options, async (t) => {
  const { page, load, complaints } = await openRaccoonPage(t);
  const answers: Response[] = [];
  page.on('response', (answer) => answers.push(answer));
  await page.setViewportSize({ width: 1440, height: 900 });
  await load();
  t.equal(await page.locator('#version').textContent(), 'v0');
  t.equal(await page.locator('#you').textContent(), 'an anonymous visitor');
  t.match(await page.locator('#fact').textContent(), /\w{3,}.*\./);
  t.match(await page.locator('#source').textContent(), /\w{3,}/);
  t.ok(await page.locator('#anonymous').isDisabled());
  t.equal(await page.locator('[aria-pressed=true]').count(), 0);
  t.same(complaints, []);
  // The picture is for people to look at.
  await page.screenshot({ path: 'artifacts/page.png', fullPage: true });

  await Promise.all([page.waitForResponse(isForYou), page.click('#again')]);
  t.ok(answers.filter(isForYou).length > 1);
  const minted = await Promise.all(answers.map((answer) => answer.headerValue('set-cookie')));
  const [cookie, ...others] = await page.context().cookies();
  t.match(cookie, { name: 'trenchcoat_id', httpOnly: true, sameSite: 'Lax', path: '/' });
  t.same(others, []);
  t.same(
    minted.filter((header) => header !== null).map((header) => header.split(';', 1)[0]),
    [`trenchcoat_id=${cookie?.value}`],
    'one key was minted for them, and kept',
  );
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
