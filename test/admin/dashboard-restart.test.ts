import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';
import { startProxy } from '../support/proxy.ts';

const options = { skip: skipWithoutChromium() };

await t.test('another proxy in the place of the first is taken up', options, async (t) => {
  const { proxy, yaml } = await startGuarded(t, { stage: '1h' });
  const { page } = await openDashboard(t, proxy.adminPort);
  await proxy.stop();
  await page.locator('.chip[data-live="stale"]').waitFor();
  await startProxy(t, `admin: 127.0.0.1:${proxy.adminPort}\n${yaml}`);
  await page.locator('.chip[data-live="live"]').waitFor();
  t.match(await page.locator('#headline').innerText(), '25 % of users get v1');
});
