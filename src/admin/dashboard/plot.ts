import uPlot from 'uplot';
import type { Span } from './history.ts';
import { drawMark } from './draw-mark.ts';
import { clockText, minuteText } from './words.ts';

/** One line of a chart: of a version, which gives it colour and shape, or of none. */
export type Line = {
  label: string;
  /** What its values are gathered under in the legend. */
  group: string;
  mark: number | undefined;
  dash: 'solid' | 'dashed' | 'dotted';
  stepped?: boolean;
  values: (number | null)[];
  say: (value: number) => string;
};

/** What a plot shows. */
export type Plotted = {
  span: Span;
  at: number[];
  lines: Line[];
  /** The highest value there is room for, whatever the data; and where the scale ends, if anywhere. */
  atLeast: number;
  atMost?: number;
  /** Values on the scale where something is written. */
  ticks?: number[];
  scale: (value: number) => string;
};

const height = 150;
const dashes = { solid: [], dashed: [7, 4], dotted: [2, 3] };
/** Milliseconds between the times that may be written below. */
const times: Record<Span, number[]> = {
  minutes: [10_000, 30_000, 60_000, 120_000, 300_000],
  day: [600_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 14_400_000, 21_600_000, 43_200_000],
};

export type Plot = { show(plotted: Plotted): void; close(): void };

/** A plot in `box`, as wide as that. It is drawn once it has something to show; all share one cursor, whose row is told. */
export function createPlot(box: HTMLElement, setCursor: (row: number | null) => void): Plot {
  let plotted: Plotted | undefined;
  let plot: uPlot | undefined;
  let closed = false;
  const sized = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height }));
  sized.observe(box);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => plot?.redraw(false);
  scheme.addEventListener('change', redraw);
  return {
    show(next) {
      if (closed) return;
      plotted = next;
      const shown = () => plotted ?? next;
      if (plot === undefined)
        plot = new uPlot(optionsOf(next, shown, box.clientWidth, setCursor), dataOf(next), box);
      else plot.setData(dataOf(next));
    },
    close() {
      closed = true;
      scheme.removeEventListener('change', redraw);
      sized.disconnect();
      plot?.destroy();
    },
  };
}

const dataOf = ({ at, lines }: Plotted): uPlot.AlignedData => [at, ...lines.map(({ values }) => values)];

/** What is drawn asks for its colours as it is drawn, so that they follow the scheme. */
const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colourOf = ({ mark }: Line): string => colour(mark === undefined ? '--ink' : `--v${mark}`);

function optionsOf(
  { span, lines }: Plotted,
  shown: () => Plotted,
  width: number,
  setCursor: (row: number | null) => void,
): uPlot.Options {
  const axis = {
    stroke: () => colour('--quiet'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    gap: 6,
  };
  return {
    width,
    height,
    ms: 1,
    padding: [10, 26, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: 'time' },
      points: { size: 7, width: 2 },
    },
    scales: {
      x: { time: true, range: (_, min, max) => [min, max] },
      y: { range: (_, __, max) => [0, heightOf(shown(), max)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 80,
        incrs: times[span],
        values: (_, moments, __, ___, step) => moments.map(step < 60_000 ? clockText : minuteText),
      },
      {
        ...axis,
        size: 76,
        space: 24,
        values: (_, values) => values.map((value) => shown().scale(value)),
        ...(shown().ticks !== undefined && {
          splits: (_, __, ___, max) => (shown().ticks ?? []).filter((tick) => tick <= max),
        }),
      },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        stroke: () => colourOf(line),
        width: line.dash === 'solid' ? 2 : 1.5,
        dash: dashes[line.dash],
        ...(line.stepped === true && uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
        points: { show: true, size: 4, width: 0, fill: () => colourOf(line), filter: alone },
      })),
    ],
    hooks: {
      setCursor: [(plot) => setCursor(plot.cursor.idx ?? null)],
      draw: [(plot) => markEnds(plot, shown().lines)],
    },
  };
}

function heightOf({ atLeast, atMost = Number.POSITIVE_INFINITY }: Plotted, max: number | null): number {
  return Math.min(atMost, Math.max(atLeast, (max ?? 0) * 1.08));
}

/** Values between two that are not there: no line leads to them. */
function alone(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const found: number[] = [];
  for (let row = 0; row < values.length; row += 1)
    if (values[row] !== null && (values[row - 1] ?? null) === null && (values[row + 1] ?? null) === null)
      found.push(row);
  return found;
}

/** The shape of its version at the end of each line, so that colour alone need not tell them apart. */
function markEnds(plot: uPlot, lines: readonly Line[]): void {
  for (const [place, line] of lines.entries()) {
    const row = line.values.findLastIndex((value) => value !== null);
    const [at, value] = [plot.data[0]?.[row], line.values[row]];
    if (line.mark === undefined || at === undefined || value === undefined || value === null) continue;
    if (plot.series[place + 1]?.show === false) continue;
    drawMark(plot.ctx, {
      mark: line.mark,
      x: plot.valToPos(at, 'x', true),
      y: plot.valToPos(value, 'y', true),
      size: 4 * uPlot.pxRatio,
      colour: colourOf(line),
      paper: colour('--card'),
    });
  }
}
