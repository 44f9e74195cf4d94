import type { Live } from './live.ts';
import { counted, spanText } from './words.ts';

/** The proxy, its phase, and whether what is shown is so now. */
export function Header({ live }: { live: Live }) {
  const { snapshot } = live;
  return (
    <header class="top">
      <img src="dashboard/raccoon.svg" alt="" width="40" height="40" />
      <div class="name">
        <h1>trenchcoat</h1>
        {snapshot !== undefined && (
          <p class="quiet">
            {snapshot.proxy.version} · up {spanText(floor(snapshot.proxy.uptimeMs))} ·{' '}
            {counted(snapshot.proxy.connections, 'connection')} · {snapshot.proxy.inFlight} in flight
          </p>
        )}
      </div>
      <div class="chips">
        {snapshot !== undefined && (
          <span class="chip" data-tone={snapshot.proxy.phase === 'ready' ? 'good' : 'still'}>
            {snapshot.proxy.phase}
          </span>
        )}
        <span
          class="chip pulse"
          data-tone={live.standing === 'live' ? 'good' : 'bad'}
          data-live={live.standing}
        >
          {liveText(live)}
        </span>
      </div>
    </header>
  );
}

const floor = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** Also for the title of the page. */
export function liveText({ standing, silentMs }: Live): string {
  switch (standing) {
    case 'connecting':
      return 'connecting';
    case 'live':
      return 'live';
    case 'stale':
      return `stale for ${spanText(floor(silentMs))}: reconnecting`;
    case 'full':
      return 'too many look on already: trying again';
    case 'signed out':
      return 'signed out: reload the page to sign in';
  }
}
