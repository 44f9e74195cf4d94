import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';

const options = { skip: skipWithoutChromium() };

await t.test('a rollout is paused, resumed and rolled back by keyboard alone', options, async (t) => {
  const { proxy, rollout } = await startGuarded(t, { stage: '1h' });
  const { page, complaints } = await openDashboard(t, proxy.adminPort);
  const { keyboard } = page;
  const focused = () => page.evaluate<string>('document.activeElement.textContent');
  const answer = page.locator('.steer .answer');

  await page.locator('body').press('Tab');
  t.equal(await page.evaluate('document.activeElement.tagName'), 'INPUT', 'the reason is first');
  await keyboard.type('support is <b>asleep</b>');
  await keyboard.press('Tab');
  t.equal(await focused(), 'Pause');
  await keyboard.press('Enter');
  await answer.getByText('Paused.').waitFor();
  await page.locator('#headline', { hasText: 'Paused: 25 % of users get v1' }).waitFor();
  t.match(await page.locator('.changes tbody tr').first().innerText(), 'support is <b>asleep</b>');
  t.equal(
    await page.evaluate('document.activeElement.ariaLabel'),
    'Steer the rollout',
    'the button is gone, and the focus is where it was',
  );

  await keyboard.press('Tab');
  await keyboard.press('Tab');
  t.equal(await focused(), 'Resume');
  await keyboard.press('Space');
  await page.locator('#headline', { hasText: /^25 % of users get v1/ }).waitFor();

  const dialog = page.getByRole('dialog', { name: 'Roll back facts?' });
  await page.getByRole('button', { name: 'Roll back…' }).focus();
  await keyboard.press('Enter');
  await dialog.waitFor();
  t.match(await dialog.innerText(), 'the 25 % that are on v1 are taken back');
  t.equal(await focused(), 'Cancel', 'the safe button');
  await keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  t.equal(await focused(), 'Roll back…');
  t.equal((await rollout()).status, 'in_progress');

  await keyboard.press('Enter');
  await dialog.waitFor();
  await keyboard.press('Tab');
  t.equal(await focused(), 'Roll back');
  await keyboard.press('Enter');
  await answer.getByText('Rolled back.').waitFor();
  await page.locator('#headline', { hasText: 'Rolled back: everyone gets v0' }).waitFor();
  t.match(await rollout(), { status: 'reverted', percent: 0 });
  t.same(complaints, []);
});
