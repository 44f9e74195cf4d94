import type { Line } from './plot.ts';
import { Mark } from './version.tsx';
import { clockText } from './words.ts';

/** What each line says in a row: where the cursor is, else the latest. */
export function Legend({ lines, row, at }: { lines: readonly Line[]; row: number; at: number | undefined }) {
  const groups = new Set(lines.map(({ group }) => group));
  return (
    <div class="legend">
      <span class="quiet at">{at === undefined ? 'latest' : clockText(at)}</span>
      <ul>
        {[...groups]
          .map((group) => ({ group, lines: lines.filter((line) => line.group === group) }))
          .map(({ group, lines }) => (
            <li key={group}>
              {lines[0]?.mark !== undefined && <Mark mark={lines[0].mark} />}
              {group !== '' && <span class="group">{group}</span>}
              {lines.map((line) => (
                <span key={line.label} class="value">
                  <Stroke line={line} />
                  {line.label !== '' && <span class="quiet">{line.label}</span>}{' '}
                  <b>{valueText(line, line.values[row])}</b>
                </span>
              ))}
            </li>
          ))}
      </ul>
    </div>
  );
}

/** A dash where there is nothing to say. */
export const valueText = ({ say }: Line, value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : say(value);

function Stroke({ line: { mark, dash } }: { line: Line }) {
  return (
    <svg class={`stroke ${dash} mark-${mark ?? 'none'}`} viewBox="0 0 20 4" aria-hidden="true">
      <path d="M0 2H20" />
    </svg>
  );
}
