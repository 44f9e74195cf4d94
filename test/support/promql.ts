import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** An expression for Prometheus: where it stands, and the names of labels that the words beside it show. */
export type Asked = { where: string; expr: string; shown: string[] };

type Panel = {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
  targets?: { expr: string; legendFormat?: string }[];
};
export type Dashboard = {
  schemaVersion: number;
  panels: Panel[];
  annotations: { list: { name: string; expr?: string; textFormat?: string }[] };
  templating: { list: { name: string; type: string; definition?: string }[] };
};
type Rule = {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
};

export const dashboard = JSON.parse(readFileSync('config/grafana-dashboard.json', 'utf8')) as Dashboard;
export const rules = (
  parse(readFileSync('config/prometheus-rules.yaml', 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap(({ rules }) => rules);

const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, first = '']) => first);
const legend = (text = '') => found(text, /\{\{(\w+)\}\}/g);

/** Whatever a panel or an annotation of the dashboard asks. */
export const askedByDashboard: Asked[] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      where: `panel ${title}`,
      expr,
      shown: legend(legendFormat),
    })),
  ),
  ...dashboard.annotations.list.flatMap(({ name, expr, textFormat }) =>
    expr === undefined ? [] : [{ where: `annotation ${name}`, expr, shown: legend(textFormat) }],
  ),
];

export const askedByRules: Asked[] = rules.map(({ alert, record, expr, annotations = {} }) => ({
  where: `rule ${alert ?? record}`,
  expr,
  shown: found(Object.values(annotations).join('\n'), /\$labels\.(\w+)/g),
}));

/** As Grafana would send it, with everything chosen. */
export const sent = (expr: string): string =>
  expr
    .replaceAll('$instance', '.+')
    .replaceAll(/\$(route|flag)/g, '.*')
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '1m');

const grouping = /\b(?:by|on|group_left|group_right)\s*\(([^)]*)\)/g;
const words = new Set(['and', 'or', 'unless', 'by', 'on', 'group_left', 'group_right']);
const namesIn = (list: string) => list.split(',').flatMap((name) => name.trim() || []);

/** The names of metrics: what is no string, label, duration, number, operator or function. */
export const metricsIn = (expr: string): string[] =>
  found(
    expr
      .replaceAll(/"[^"]*"/g, '')
      .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
      .replaceAll(grouping, ''),
    /(?<![\w.:])([a-zA-Z_:][\w:]*)(?!\w|\s*\()/g,
  ).filter((name) => !words.has(name));

/** Each selector's metric with the labels that it chooses by. */
export const selectorsIn = (expr: string): { metric: string; labels: string[] }[] =>
  [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map(([, metric = '', matchers = '']) => ({
    metric,
    labels: found(matchers.replaceAll(/"[^"]*"/g, ''), /(\w+)\s*[=!]/g),
  }));

const joined = /\bgroup_left\s*\(([^)]*)\)/g;

/** Each `by (labels) (…)` with the metrics in it, all of which need the labels; but for what another metric lends them. */
export const aggregationsIn = (expr: string): { metrics: string[]; labels: string[] }[] =>
  [...expr.matchAll(/\bby\s*\(([^)]*)\)\s*\(/g)].map((match) => {
    const start = match.index + match[0].length;
    let end = start;
    for (let open = 1; open > 0 && end < expr.length; end += 1)
      open += { '(': 1, ')': -1 }[expr[end] ?? ''] ?? 0;
    const inside = expr.slice(start, end);
    const lent = new Set(found(inside, joined).flatMap(namesIn));
    return {
      metrics: metricsIn(inside),
      labels: namesIn(match[1] ?? '').filter((label) => !lent.has(label)),
    };
  });

/** The labels that some metric must have: by which series are matched, and what one lends to another. */
export const matchedIn = (expr: string): string[] =>
  [...found(expr, /\bon\s*\(([^)]*)\)/g), ...found(expr, joined)].flatMap(namesIn);
