import { useEffect, useState } from 'preact/hooks';
import type { FlagStanding } from '../snapshot.ts';
import { glanceOf } from './headline.ts';

const before = '#flag=';

/** The flag that the address names; it can be linked, and outlives a reload. */
export function useNamedFlag(): string | undefined {
  const [name, setName] = useState(namedFlag);
  useEffect(() => {
    const follow = () => setName(namedFlag());
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return name;
}

function namedFlag(): string | undefined {
  if (!location.hash.startsWith(before)) return undefined;
  try {
    return decodeURIComponent(location.hash.slice(before.length));
  } catch {
    return undefined;
  }
}

/** The flags to choose from, each with how it stands at a glance. */
export function Flags({ flags, chosen, left }: { flags: FlagStanding[]; chosen: string; left: number }) {
  return (
    <nav class="flags" aria-label="Flags">
      <ul>
        {flags.map((standing) => {
          const { tone, word } = glanceOf(standing);
          return (
            <li key={standing.flag}>
              <a
                href={before + encodeURIComponent(standing.flag)}
                aria-current={standing.flag === chosen ? 'page' : undefined}
              >
                <span class="flag-name">{standing.flag}</span>
                <span class="glance" data-tone={tone}>
                  {word}
                </span>
              </a>
            </li>
          );
        })}
      </ul>
      {left > 0 && <p class="quiet">{left} more are not shown.</p>}
    </nav>
  );
}
