import t from 'tap';
import { startMeasured } from '../support/measured.ts';
import { promtool, skipWithout } from '../support/prometheus.ts';

await t.test(
  'promtool finds no fault in the metrics of a proxy that has much to tell',
  { skip: skipWithout('promtool') },
  async (t) => {
    const { metrics, stop } = await startMeasured(t);
    await stop();
    const { ok, said } = promtool(['check', 'metrics'], await metrics());
    t.ok(ok, 'content');
    t.equal(said, '', 'nothing to say');
  },
);
