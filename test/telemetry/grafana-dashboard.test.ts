import t from 'tap';
import { startMeasured } from '../support/measured.ts';
import {
  aggregationsIn,
  askedByDashboard,
  askedByRules,
  dashboard,
  matchedIn,
  metricsIn,
  rules,
  selectorsIn,
} from '../support/promql.ts';

/** What Prometheus adds to each series, and what it knows of each proxy. */
const scraped = ['job', 'instance'];

/** By the name of a series, the labels it has in what a proxy tells. */
function labelsByName(text: string): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>([['up', new Set(scraped)]]);
  for (const [, name = '', pairs = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(name) ?? new Set(scraped);
    for (const [, label = ''] of pairs.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(label);
    labels.set(name, known);
  }
  return labels;
}

await t.test(
  'every metric and label that the dashboard or the rules name is told by a real proxy',
  async (t) => {
    const { metrics, stop } = await startMeasured(t);
    await stop();
    const labels = labelsByName(await metrics());
    t.ok(labels.size > 30);
    for (const { record, expr } of rules)
      if (record !== undefined) labels.set(record, new Set(aggregationsIn(expr)[0]?.labels));
    const hasAll = (metric: string, wanted: readonly string[]) => {
      const has = labels.get(metric);
      return has === undefined ? [metric] : wanted.filter((label) => !has.has(label));
    };

    for (const { where, expr, shown } of [...askedByDashboard, ...askedByRules]) {
      const names = metricsIn(expr);
      t.ok(names.length > 0, where);
      t.same(
        names.filter((name) => !labels.has(name)),
        [],
        `${where}: metrics`,
      );
      for (const { metric, labels } of selectorsIn(expr)) t.same(hasAll(metric, labels), [], where);
      const aggregations = aggregationsIn(expr);
      for (const { metrics, labels } of aggregations)
        for (const metric of metrics) t.same(hasAll(metric, labels), [], `${where}: by`);
      for (const label of [...matchedIn(expr), ...shown])
        t.ok(
          names.some((name) => labels.get(name)?.has(label)),
          `${where}: ${label}`,
        );
    }
  },
);

await t.test('what a legend of the dashboard shows has been kept by its expression', async (t) => {
  for (const { where, expr, shown } of askedByDashboard) {
    const kept = new Set(aggregationsIn(expr).flatMap(({ labels }) => labels));
    for (const label of shown) t.ok(kept.has(label), `${where}: ${label}`);
  }
});

await t.test(
  'the panels lie in rows of 24 columns, none upon another, and each says what it shows',
  async (t) => {
    const taken = new Map<string, string>();
    for (const { type, title, description, targets, gridPos } of dashboard.panels) {
      t.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          if (taken.has(`${x} ${y}`)) t.fail(`${title} lies upon ${taken.get(`${x} ${y}`)}`);
          taken.set(`${x} ${y}`, title);
        }
      if (type === 'row') t.match(title, /\?$/, 'a row answers a question');
      else t.ok(description !== undefined && description.length > 8 && targets?.length, title);
    }
    t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  },
);

await t.test('every variable that is asked for is one of the dashboard', async (t) => {
  const known = new Set(dashboard.templating.list.map(({ name }) => name));
  t.same([...known], ['datasource', 'instance', 'route', 'flag']);
  for (const { where, expr } of askedByDashboard)
    for (const [, name = ''] of expr.matchAll(/\$(\w+)/g))
      t.ok(known.has(name) || /^__(rate_interval|range)$/.test(name), `${where}: ${name}`);
});
