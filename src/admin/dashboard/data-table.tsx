import { useState } from 'preact/hooks';
import type { Line } from './plot.ts';
import { valueText } from './legend.tsx';
import { clockText } from './words.ts';

const rows = 60;

/** What a chart shows as a table, newest first: for those who do not see the picture. */
export function DataTable({
  title,
  at,
  lines,
}: {
  title: string;
  at: readonly number[];
  lines: readonly Line[];
}) {
  const [open, setOpen] = useState(false);
  return (
    <details class="data" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        Table<span class="unseen"> of {title}</span>
      </summary>
      {open && (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">time</th>
                {lines.map(({ group, label }) => (
                  <th scope="col" key={`${group} ${label}`}>
                    {group} {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {at
                .map((moment, row) => (
                  <tr key={moment}>
                    <th scope="row">{clockText(moment)}</th>
                    {lines.map((line) => (
                      <td key={`${line.group} ${line.label}`}>{valueText(line, line.values[row])}</td>
                    ))}
                  </tr>
                ))
                .slice(-rows)
                .toReversed()}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
