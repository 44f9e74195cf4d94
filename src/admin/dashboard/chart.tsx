import { useEffect, useRef, useState } from 'preact/hooks';
import { DataTable } from './data-table.tsx';
import { Legend } from './legend.tsx';
import { createPlot, type Plotted, type Plot } from './plot.ts';

/** A chart over the time that all charts share, and the same in words and as a table. */
export function Chart({ title, plotted }: { title: string; plotted: Plotted }) {
  const { at, lines, span } = plotted;
  const place = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<Plot>();
  const [cursor, setCursor] = useState<number | null>(null);

  // A plot is made for its lines and their time; what they say changes each second.
  const made = [span, ...lines.map(({ label, group }) => `${group} ${label}`)].join();
  useEffect(() => {
    if (place.current === null) return undefined;
    const plot = createPlot(place.current, setCursor);
    setPlot(plot);
    return () => plot.close();
  }, [made]);
  useEffect(() => plot?.show(plotted), [plot, plotted]);

  const row = cursor !== null && cursor < at.length ? cursor : at.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <Legend lines={lines} row={row} at={cursor === null ? undefined : at[row]} />
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true" />
      <DataTable title={title} at={at} lines={lines} />
    </figure>
  );
}
