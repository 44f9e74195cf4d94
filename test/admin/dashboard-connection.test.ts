import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { until } from '../support/client.ts';
import { openDashboard, rowsOf } from '../support/dashboard.ts';
import { startForwarder } from '../support/forwarder.ts';
import { startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

const options = { skip: skipWithoutChromium() };
const lost = /net::ERR_/;

await t.test('a lost connection is told, and leaves no hole in the charts', options, async (t) => {
  const { proxy } = await startGuarded(t, { stage: '1h' });
  steadyClient(t, [proxy.port], { rate: 50 });
  const way = await startForwarder(t, proxy.adminPort);
  const { page, complaints } = await openDashboard(t, way.port);
  const chip = page.locator('.chip[data-live]');
  const said = page.locator('p.unseen[role="status"]');
  await page.locator('.chart', { hasText: 'Requests a second' }).locator('summary').click();
  const sayings: string[] = [];
  await page.exposeFunction('heard', (text: string) => sayings.push(text));
  await page.evaluate(`new MutationObserver(([{ target }]) => heard(target.textContent)).observe(
    document.querySelector('p.unseen[role="status"]'), { subtree: true, characterData: true, childList: true })`);

  const cut = Date.now();
  way.cut();
  await chip.getByText('stale for 5 s: reconnecting').waitFor();
  t.match(await page.locator('main').getAttribute('class'), /stale/);
  t.equal(await page.getByRole('button', { name: 'Pause' }).isDisabled(), true);
  t.match(
    await said.innerText(),
    /^Stale: the proxy is silent, and what is shown is from [\d:]+\. Reconnecting\.$/,
  );
  t.match(await page.title(), /^\(stale\)/);

  const mended = Date.now();
  way.mend();
  await chip.getByText(/^live$/).waitFor();
  t.equal(await page.getByRole('button', { name: 'Pause' }).isEnabled(), true);
  t.equal(await said.innerText(), 'Live. facts: 25 % of users get v1.');
  t.equal(sayings.length, 2, `said once each: ${sayings.join(' ')}`);

  const without = new Set<string | undefined>();
  for (let at = cut; at < mended; at += 1000) without.add(new Date(at).toTimeString().slice(0, 8));
  const holes = async () =>
    (await rowsOf(page, 'Requests a second')).filter(([at, v0]) => without.has(at) && v0 === '0 / s');
  // A busy machine may have sent nothing in one of them.
  await until(async () => (await holes()).length < 2, 'requests in each second without a connection');
  t.same(
    complaints.filter((text) => !lost.test(text)),
    [],
  );
});
