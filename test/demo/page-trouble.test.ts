import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('an error is said plainly, and goes when it is over', options, async (t) => {
  const { page, proxy, load } = await openRaccoonPage(t);
  proxy.state.status = 503;
  await page.goto(proxy.url);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  t.equal(
    await alert.textContent(),
    'No fact for you: the answer was 503 Service Unavailable. Trying again.',
  );
  t.equal(await page.locator('#fact').textContent(), 'No fact this time.');
  t.equal(await page.locator('#version').textContent(), 'v0', 'with the version that failed');
  await page.locator('#legend', { hasText: 'failed' }).waitFor();
  t.equal(await page.locator('#visitor-1').textContent(), '!');

  proxy.state.status = 200;
  await load();
  await alert.waitFor({ state: 'hidden' });
  t.not(await page.locator('#fact').textContent(), 'No fact this time.');
  t.equal(await page.locator('.failed').count(), 0);
});

await t.test('a proxy that is gone is said plainly', options, async (t) => {
  const { page, proxy, load } = await openRaccoonPage(t);
  await load();
  await proxy.close();
  await page.locator('#trouble', { hasText: 'The proxy cannot be reached. Trying again.' }).waitFor();
  await page.locator('#legend', { hasText: 'failed' }).waitFor();
  await page.click('#again');
  await page.locator('#fact', { hasText: 'No fact this time.' }).waitFor();
  t.equal(await page.locator('#version').textContent(), 'nobody');
});
