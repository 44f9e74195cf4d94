import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';
import { startProxy } from '../support/proxy.ts';

const options = { skip: skipWithoutChromium() };
const tokens = { first: 'first-of-two-tokens-here', second: 'second-of-two-tokens-here' };

const admin = (port: number, token: string) => `admin: { address: "127.0.0.1:${port}", token: ${token} }`;

await t.test('with a token the browser signs in, and is told when that is over', options, async (t) => {
  const { proxy: plain, yaml } = await startGuarded(t, { stage: '1h' });
  const { adminPort } = plain;
  await plain.stop();
  const proxy = await startProxy(t, `${admin(adminPort, tokens.first)}\n${yaml}`);
  const httpCredentials = { username: 'operator', password: tokens.first };
  const { page } = await openDashboard(t, adminPort, { httpCredentials });
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('#headline', { hasText: 'Paused: 25 % of users get v1' }).waitFor();

  await proxy.stop();
  await startProxy(t, `${admin(adminPort, tokens.second)}\n${yaml}`);
  await page.locator('.chip', { hasText: 'signed out: reload the page to sign in' }).waitFor();
  t.equal(await page.getByRole('button', { name: 'Resume' }).isDisabled(), true);
  await page.getByLabel('Path').fill('/fact/');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('Not signed in any more: reload the page to sign in.').waitFor();
});
