import axe, { type Result } from 'axe-core';
import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { failing, fine, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

const options = { skip: skipWithoutChromium() };

await t.test('it is legible and operable on narrow and wide screens, light and dark', options, async (t) => {
  let answer = fine;
  const v1: typeof fine = (...asked) => answer(...asked);
  const { proxy, found } = await startGuarded(t, { v1, stage: '1h', more: 'holdback: 5' });
  steadyClient(t, [proxy.port], { rate: 50 });
  const { page, complaints } = await openDashboard(t, proxy.adminPort, { reducedMotion: 'reduce' });
  await page.evaluate(axe.source);
  /** The pictures are for people to look at. */
  const look = async (state: string) => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [360, 1440]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
        t.ok(wide <= width, `${state}: ${wide} pixels wide at ${width}`);
        await page.screenshot({
          path: `artifacts/dashboard-${state}-${width}-${colorScheme}.png`,
          fullPage: true,
        });
        const violations = await page.evaluate<Result[]>('axe.run().then(({ violations }) => violations)');
        t.same(
          violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => [
              id,
              ...nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
            ]),
          [],
          `${state} at ${width}, ${colorScheme}`,
        );
      }
  };
  await page.locator('.chart summary').first().click();
  await look('rollout');
  await page.getByRole('button', { name: 'Roll back…' }).click();
  await look('asking');
  await page.keyboard.press('Escape');
  answer = failing(0.5);
  await found(30_000);
  await page.getByRole('alert').first().waitFor();
  await look('tripped');
  t.same(complaints, []);
});
