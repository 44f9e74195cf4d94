import { useState } from 'preact/hooks';
import type { RolloutStanding } from '../snapshot.ts';
import { momentText, percentText, statusText, zone } from './words.ts';

const few = 10;

/** Who changed the rollout, how and why; newest first. */
export function Changes({ history }: { history: RolloutStanding['history'] }) {
  const [all, setAll] = useState(false);
  const lines = history.toReversed().slice(0, all ? history.length : few);
  return (
    <section class="card changes" aria-labelledby="changes-heading">
      <h2 id="changes-heading">History</h2>
      {lines.length === 0 ? (
        <p class="quiet">Nothing has happened yet.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">when ({zone})</th>
              <th scope="col">who</th>
              <th scope="col">what</th>
              <th scope="col">from → to</th>
              <th scope="col">percent</th>
              <th scope="col">why</th>
            </tr>
          </thead>
          <tbody>
            {lines.map(({ at, who, verb, from, to, percent, why }) => (
              <tr key={`${at} ${verb}`} data-who={who}>
                <td class="when">
                  <time dateTime={at} title={at}>
                    {momentText(at)}
                  </time>
                </td>
                <td>{who}</td>
                <td>
                  <strong>{verb}</strong>
                </td>
                <td class="status">
                  {from === to ? statusText(to) : `${statusText(from)} → ${statusText(to)}`}
                </td>
                <td class="number">{percentText(percent)}</td>
                <td class="why">{why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {history.length > few && (
        <button type="button" class="small" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show the latest' : `Show all ${history.length}`}
        </button>
      )}
    </section>
  );
}
