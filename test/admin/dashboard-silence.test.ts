import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { startForwarder } from '../support/forwarder.ts';
import { startGuarded } from '../support/guarded.ts';

const options = { skip: skipWithoutChromium() };

await t.test('a connection that says nothing is made anew', options, async (t) => {
  const { proxy } = await startGuarded(t, { stage: '1h' });
  const way = await startForwarder(t, proxy.adminPort);
  const { page } = await openDashboard(t, way.port);
  way.freeze();
  await page.locator('.chip[data-live="stale"]').waitFor();
  await page.locator('.chip[data-live="live"]').waitFor();
  t.pass();
});
