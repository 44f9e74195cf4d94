import t from 'tap';
import { resolve } from 'node:path';
import { until } from '../support/client.ts';
import { startMeasured } from '../support/measured.ts';
import { startPrometheus, skipWithout } from '../support/prometheus.ts';
import { askedByDashboard, askedByRules, sent } from '../support/promql.ts';

/** What is seldom there: an annotation marks a change, and proxies that agree have one line. */
const mayBeEmpty = (where: string, expr: string) =>
  where === 'annotation Rollout' || expr.includes(' < max by');

await t.test(
  'a real Prometheus that scrapes a real proxy answers all that the dashboard and the rules ask',
  { skip: skipWithout('prometheus') },
  async (t) => {
    const { proxy } = await startMeasured(t);
    const prometheus = await startPrometheus(t, proxy.adminPort, resolve('config/prometheus-rules.yaml'));
    const valueOf = async (expr: string) => {
      const answer = await prometheus.query(expr);
      return answer.status === 'success' ? Number(answer.data.result[0]?.value[1]) : NaN;
    };
    await until(
      async () => (await valueOf('min(count_over_time(trenchcoat_requests_total[1m]))')) > 8,
      'scrapes',
      20_000,
    );

    for (const { where, expr } of askedByDashboard) {
      const answer = await prometheus.query(sent(expr));
      t.equal(answer.status, 'success', `${where}: ${'error' in answer ? answer.error : ''}`);
      if (answer.status === 'success' && !mayBeEmpty(where, expr))
        t.ok(
          answer.data.result.some(({ value }) => value[1] !== 'NaN'),
          `${where} has data`,
        );
    }

    const rules = await until(async () => {
      const rules = await prometheus.rules();
      return rules.every(({ health }) => health !== 'unknown') && rules;
    }, 'every rule is evaluated');
    t.equal(rules.length, askedByRules.length);
    for (const { name, health, lastError = '' } of rules) t.equal(health, 'ok', `${name}: ${lastError}`);
    t.equal(await valueOf('ALERTS{alertname="TrenchcoatGuardTripped",alertstate="firing",route="facts"}'), 1);
    const others = await prometheus.query('ALERTS{alertstate="firing",alertname!="TrenchcoatGuardTripped"}');
    t.match(others, { status: 'success', data: { result: [] } }, 'and nothing else yet');
    t.ok(
      (await valueOf('route_version:trenchcoat_requests_5xx:rate5m{route="facts",version="1"}')) > 0,
      'what is recorded',
    );
  },
);
