import type { Moment, VersionMoment } from '../snapshot.ts';
import { spans, type Grid } from './history.ts';
import type { Line, Plotted } from './plot.ts';
import { markOf } from './version.tsx';
import { countText, latencyText, oddsText, paceText, percentText, versionName } from './words.ts';

const powerText = (power: number): string => (power === 6 ? '1 M' : countText(10 ** power));

const percents = {
  atLeast: 100,
  atMost: 100,
  ticks: [0, 25, 50, 75, 100],
  scale: (value: number) => percentText(value),
};

const odds = {
  atLeast: 3.5,
  ticks: [0, 1, 2, 3, 4, 5, 6],
  scale: (power: number) => (power === 0 ? 'none' : `1 : ${powerText(power)}`),
};

const rateText = (value: number): string => percentText(value, 1);
const evidenceText = (power: number): string => oddsText(power * Math.LN10);

/** Evidence is drawn by its power of ten, from none to a million. */
const powerOf = (log: number): number => Math.min(6.2, Math.max(0, log / Math.LN10));

/** The charts of a flag, each with its lines. */
export function plotsOf(
  { span, at, cells }: Grid,
  versions: readonly string[],
  routes: readonly string[],
): { title: string; plotted: Plotted }[] {
  const seconds = spans[span].step / 1000;
  const line = (value: (moment: Moment) => number | null | undefined) =>
    cells.map((moment) => (moment && value(moment)) ?? null);
  const plain = { group: '', mark: undefined, dash: 'solid' } as const;
  const of = (version: string) => ({ group: versionName(version), mark: markOf(versions, version) });
  const treatment = versions.length > 1 ? 1 : 0;

  const share: Line[] = [
    { ...plain, label: 'observed', mark: treatment, values: line(({ observed }) => observed), say: rateText },
    {
      ...plain,
      label: 'scheduled',
      dash: 'dashed',
      stepped: true,
      values: line(({ scheduled }) => scheduled),
      say: percentText,
    },
  ];
  const pace = versions.map((version): Line => ({
    ...of(version),
    label: '',
    dash: 'solid',
    values: line(({ versions }) => (versions[version]?.requests ?? 0) / seconds),
    say: paceText,
  }));
  const failed = versions.map((version): Line => ({
    ...of(version),
    label: '',
    dash: 'solid',
    values: line(({ versions }) => rateOf(versions[version])),
    say: rateText,
  }));
  const latency = versions.flatMap((version) =>
    (
      [
        ['p50', 'solid'],
        ['p95', 'dashed'],
        ['p99', 'dotted'],
      ] as const
    ).map(([label, dash]): Line => ({
      ...of(version),
      label,
      dash,
      values: line(({ versions }) => versions[version]?.[label]),
      say: latencyText,
    })),
  );
  const evidence = routes.map((route) => {
    const log = (of: 'errors' | 'latency' | 'needed') =>
      line(({ evidence }) => {
        const log = evidence[route]?.[of];
        return log === undefined ? undefined : powerOf(log);
      });
    const lines: Line[] = [
      { ...plain, label: 'errors', mark: treatment, values: log('errors'), say: evidenceText },
      {
        ...plain,
        label: 'latency',
        mark: treatment,
        dash: 'dotted',
        values: log('latency'),
        say: evidenceText,
      },
      { ...plain, label: 'needed', dash: 'dashed', stepped: true, values: log('needed'), say: evidenceText },
    ];
    return {
      title: routes.length > 1 ? `Evidence on ${route}` : 'Evidence',
      plotted: { span, at, lines, ...odds },
    };
  });
  return [
    { title: 'Share', plotted: { span, at, lines: share, ...percents } },
    { title: 'Requests a second', plotted: { span, at, lines: pace, atLeast: 1, scale: countText } },
    {
      title: 'Error rate',
      plotted: { span, at, lines: failed, atLeast: 1, atMost: 100, scale: percentText },
    },
    {
      title: 'Latency',
      plotted: { span, at, lines: latency, atLeast: 1, scale: (ms) => `${countText(ms)} ms` },
    },
    ...evidence,
  ];
}

const rateOf = (moment: VersionMoment | undefined): number | undefined =>
  moment === undefined || moment.requests === 0 ? undefined : (moment.failed / moment.requests) * 100;
