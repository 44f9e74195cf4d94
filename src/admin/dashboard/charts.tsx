import { useMemo } from 'preact/hooks';
import type { FlagStanding } from '../snapshot.ts';
import { Chart } from './chart.tsx';
import { spans, type Grid, type Span } from './history.ts';
import { plotsOf } from './plots.ts';

type Props = {
  standing: FlagStanding;
  grid: Grid;
  trouble: string | undefined;
  choose: (span: Span) => void;
};

/** All that can be drawn of a flag over one time. */
export function Charts({ standing, grid, trouble, choose }: Props) {
  const versions = standing.versions.join('\n');
  const routes = standing.guards.map(({ route }) => route).join('\n');
  const plots = useMemo(
    () => plotsOf(grid, versions.split('\n'), routes === '' ? [] : routes.split('\n')),
    [grid, versions, routes],
  );
  return (
    <section class="card charts" aria-labelledby="charts-heading">
      <div class="heading">
        <h2 id="charts-heading">How it goes</h2>
        <fieldset class="switch">
          <legend class="unseen">Time shown</legend>
          {(Object.keys(spans) as Span[]).map((one) => (
            <label key={one}>
              <input type="radio" name="span" checked={one === grid.span} onChange={() => choose(one)} />
              <span>{spans[one].name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {trouble !== undefined && (
        <p class="notice bad">The past cannot be read: {trouble} It is asked for again.</p>
      )}
      {plots.map(({ title, plotted }) => (
        <Chart key={title} title={title} plotted={plotted} />
      ))}
    </section>
  );
}
