import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { until } from '../support/client.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('no second sees more than forty questions', options, async (t) => {
  const { proxy, load } = await openRaccoonPage(t);
  await load();
  // You and each of the hundred. A line is written at the end of its request.
  await until(() => proxy.facts().length > 100, 'an access line for each question');
  const asked = proxy.facts().map(({ time, durationMs }) => Date.parse(time) - durationMs);
  const within = asked.map((from) => asked.filter((time) => time >= from && time < from + 1000).length);
  t.ok(Math.max(...within) <= 40, `${Math.max(...within)} in a second`);
});
