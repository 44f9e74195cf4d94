import { useEffect, useMemo, useState } from 'preact/hooks';
import type { FlagStanding, Snapshot } from '../snapshot.ts';
import { Announcer } from './announce.tsx';
import { Changes } from './changes.tsx';
import { Charts } from './charts.tsx';
import { Explain } from './explain.tsx';
import { Flags, useNamedFlag } from './flags.tsx';
import { Guard, NoGuard } from './guard.tsx';
import { Header, liveText } from './header.tsx';
import { glanceOf } from './headline.ts';
import { Health } from './health.tsx';
import { gridOf, useHistory, type Span } from './history.ts';
import { useLive, type Live } from './live.ts';
import { NoFlags } from './no-flags.tsx';
import { Rollout } from './rollout.tsx';

/** The whole page. */
export function App() {
  const live = useLive();
  const named = useNamedFlag();
  const { snapshot } = live;
  const standing = snapshot?.flags.find(({ flag }) => flag === named) ?? snapshot?.flags[0];
  useTitle(live, standing);
  return (
    <>
      <Header live={live} />
      <Announcer live={live} standing={standing} />
      {snapshot === undefined ? (
        <main class="waiting">
          <p class="notice">
            {live.standing === 'connecting'
              ? 'Asking the proxy…'
              : `The proxy does not answer: ${liveText(live)}.`}
          </p>
        </main>
      ) : (
        <>
          {snapshot.flags.length > 1 && (
            <Flags flags={snapshot.flags} chosen={standing?.flag ?? ''} left={snapshot.left.flags} />
          )}
          {named !== undefined && standing?.flag !== named && (
            <p class="notice">
              No route asks the flag {named}
              {standing === undefined ? '.' : `; this is ${standing.flag}.`}
            </p>
          )}
          <Body live={live} snapshot={snapshot} standing={standing} />
        </>
      )}
    </>
  );
}

type Props = { live: Live; snapshot: Snapshot; standing: FlagStanding | undefined };

function Body({ live, snapshot, standing }: Props) {
  const [span, setSpan] = useState<Span>('minutes');
  const flag = standing?.flag ?? '';
  const minutes = useHistory(flag, 'minutes', live);
  const day = useHistory(span === 'day' ? flag : '', 'day', live);
  const { moments, trouble } = span === 'day' ? day : minutes;
  const { at: now, proxy } = snapshot;
  const grid = useMemo(
    () => gridOf(moments, span, now, now - proxy.uptimeMs),
    [moments, now, span, proxy.uptimeMs],
  );
  const able = live.standing === 'live';
  return (
    <main class={able ? 'told' : 'told stale'}>
      {standing === undefined ? (
        <NoFlags />
      ) : (
        <>
          <Rollout standing={standing} now={now} recent={minutes.moments} able={able} />
          <Charts standing={standing} grid={grid} trouble={trouble} choose={setSpan} />
        </>
      )}
      <div class="side">
        {standing?.guards.map((guard) => (
          <Guard key={guard.route} guard={guard} versions={standing.versions} now={now} able={able} />
        ))}
        {standing?.routes
          .filter((route) => !standing.guards.some((guard) => guard.route === route))
          .map((route) => (
            <NoGuard key={route} route={route} />
          ))}
        <Health snapshot={snapshot} />
        <Explain flags={snapshot.flags} />
      </div>
      {standing?.rollout && <Changes history={standing.rollout.history} />}
    </main>
  );
}

/** The title tells how it stands to those who look at another tab. */
function useTitle(live: Live, standing: FlagStanding | undefined): void {
  const word = standing === undefined ? '' : `${glanceOf(standing).word} · ${standing.flag} · `;
  const title = `${live.standing === 'live' ? word : `(${live.standing}) ${word}`}trenchcoat`;
  useEffect(() => {
    document.title = title;
  }, [title]);
}
