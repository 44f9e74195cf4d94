import type { FlagStanding } from '../snapshot.ts';
import { headlineOf } from './headline.ts';
import type { Live } from './live.ts';
import { clockText } from './words.ts';

/** Says what has changed to those who do not see it: it holds nothing that goes with each second, so it is said once. */
export function Announcer({ live, standing }: { live: Live; standing: FlagStanding | undefined }) {
  return (
    <p class="unseen" role="status">
      {saying(live, standing)}
    </p>
  );
}

function saying({ standing: is, snapshot }: Live, standing: FlagStanding | undefined): string {
  if (is === 'connecting') return '';
  if (is === 'signed out') return 'Signed out. Reload the page to sign in.';
  if (is === 'full') return 'Too many look on already. Trying again.';
  if (snapshot === undefined) return 'The proxy does not answer. Trying again.';
  if (is === 'stale')
    return `Stale: the proxy is silent, and what is shown is from ${clockText(snapshot.at)}. Reconnecting.`;
  if (standing === undefined) return 'Live.';
  return `Live. ${standing.flag}: ${headlineOf(standing, snapshot.at).title}.`;
}
