import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { until } from '../support/client.ts';
import { manualClock, minute } from '../support/clock.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('visitors move one way, until a rollback takes all of them back', options, async (t) => {
  const clock = manualClock();
  const { page, proxy, complaints } = await openRaccoonPage(t, { clock });
  // The page rests between its questions; here it hurries.
  await page.addInitScript('const wait = setTimeout; setTimeout = (task, time) => wait(task, time / 20);');
  await page.goto(proxy.url);
  const everybody = Array.from({ length: 100 }, (_, index) => `visitor-${index + 1}`);
  const asked: string[] = [];
  page.on('response', (answer) => {
    const visitor = answer.request().headers()['x-user-id'];
    if (visitor !== undefined) asked.push(visitor);
  });
  /** Whom the page shows on v1, when everybody was asked since. */
  const onV1 = async (): Promise<string[]> => {
    // With those that were under way.
    const enough = asked.length + 120;
    await until(() => asked.length >= enough, 'a question for each visitor', 20_000);
    const ids = page.locator('.cell[data-version="1"]');
    return ids.evaluateAll((cells) => cells.map((cell) => String((cell as { id?: unknown }).id)));
  };
  const moves = async () => [
    await page.locator('#moved-forward').textContent(),
    await page.locator('#moved-back').textContent(),
  ];

  const first = await onV1();
  t.ok(first.length > 5 && first.length < 45, `about a quarter: ${first.length}`);
  t.same(await moves(), ['0', '0']);

  await clock.pass(minute);
  const second = await onV1();
  t.ok(second.length > 30 && second.length < 70, `about half: ${second.length}`);
  t.same(
    second.filter((id) => first.includes(id)),
    first,
    'nobody of the first is back',
  );
  t.same(await moves(), [String(second.length - first.length), '0']);

  await clock.pass(minute);
  t.same(await onV1(), everybody);
  t.same(await moves(), [String(100 - first.length), '0']);

  t.match(await proxy.steer('rollback'), { ok: true });
  t.same(await onV1(), []);
  t.same(await moves(), [String(100 - first.length), '100']);
  t.same(complaints, []);
});
