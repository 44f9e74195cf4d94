import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';
import { startRawUpstream } from '../support/upstream.ts';

const options = { skip: skipWithoutChromium() };

await t.test('an error is said plainly, and goes when it is over', options, async (t) => {
  const v1 = await startRawUpstream(t, (socket) => socket.destroy());
  const { page, proxy, load } = await openRaccoonPage(t, { upTo: 3, v1: v1.url });
  await page.context().addCookies([{ name: 'uid', value: 'visitor-2', url: proxy.url }]);
  await load();
  const alert = page.getByRole('alert');
  t.equal(await alert.textContent(), 'No fact for you: the answer was 502 Bad Gateway. Trying again.');
  t.equal(await page.locator('#fact').textContent(), 'No fact this time.');
  t.equal(await page.locator('#version').textContent(), 'v1', 'with the version that failed');
  t.match(await page.locator('#legend').innerText(), /v0 97[^]*v1 0[^]*failed 3/);
  t.equal(await page.locator('#visitor-3').textContent(), '!');
  t.equal(await page.locator('#visitor-4').textContent(), '0', 'the others are served');

  await page.click('#visitor-100');
  await page
    .locator('#trouble', { hasText: 'Some visitors get no fact: the answer was 502 Bad Gateway.' })
    .waitFor();
  await page.click('#visitor-2');
  await page.locator('#trouble', { hasText: 'No fact for you' }).waitFor();

  proxy.moveTo(0);
  await alert.waitFor({ state: 'hidden' });
  await page.locator('#legend', { hasText: 'v0 100' }).waitFor();
  t.equal(await page.locator('#version').textContent(), 'v0');
  t.not(await page.locator('#fact').textContent(), 'No fact this time.');
  t.equal(await page.locator('.failed').count(), 0);
});

await t.test('a proxy that is gone is said plainly', options, async (t) => {
  const { page, proxy, load } = await openRaccoonPage(t);
  await load();
  await proxy.stop();
  await page.locator('#trouble', { hasText: 'The proxy cannot be reached. Trying again.' }).waitFor();
  await page.locator('#legend', { hasText: 'failed' }).waitFor();
  await page.click('#again');
  await page.locator('#fact', { hasText: 'No fact this time.' }).waitFor();
  t.equal(await page.locator('#version').textContent(), 'nobody');
});
