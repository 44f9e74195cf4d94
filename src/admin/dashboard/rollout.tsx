import type { FlagStanding, Moment } from '../snapshot.ts';
import { headlineOf } from './headline.ts';
import { Stages } from './stages.tsx';
import { Steer } from './steer.tsx';
import { Mark } from './version.tsx';
import { percentText, versionName } from './words.ts';

type Props = { standing: FlagStanding; now: number; recent: readonly Moment[]; able: boolean };

/** Where the chosen flag is, and what may be done about it. */
export function Rollout({ standing, now, recent, able }: Props) {
  const { rollout, flag } = standing;
  const { tone, title, more } = headlineOf(standing, now);
  return (
    <section class="card rollout" aria-labelledby="headline" data-tone={tone}>
      <p class="over">
        {flag} <span class="quiet">on {standing.routes.join(', ')}</span>
      </p>
      <h2 id="headline">{title}</h2>
      {more.filter(Boolean).map((line) => (
        <p key={line} class="more">
          {line}
        </p>
      ))}
      {rollout !== null && !(rollout.state.healthy && rollout.state.saved) && (
        <p class="notice bad" role="alert">
          {rollout.state.saved ? 'The state is not well: ' : 'Not saved yet: '}
          {rollout.state.detail}
        </p>
      )}
      <Shares standing={standing} recent={recent} />
      {rollout !== null && <Stages rollout={rollout} />}
      {rollout !== null && <Steer key={flag} standing={standing} rollout={rollout} able={able} />}
    </section>
  );
}

/** Seconds that the observed share is taken over. */
const observedFor = 30;

/** What share is meant to get treatment, and what share did. */
function Shares({ standing, recent }: { standing: FlagStanding; recent: readonly Moment[] }) {
  const { scheduled, versions } = standing;
  const to = versionName(standing.rollout?.to ?? versions[1] ?? '');
  const observed = observedShare(recent);
  if (scheduled === null) return null;
  return (
    <dl class="shares">
      <div>
        <dt>scheduled for {to}</dt>
        <dd>
          {percentText(scheduled)}
          <Bar percent={scheduled} />
        </dd>
      </div>
      <div>
        <dt>observed, last {observedFor} s</dt>
        <dd>
          {observed === undefined ? 'no requests' : percentText(observed, 1)}
          <Bar percent={observed ?? 0} />
        </dd>
      </div>
    </dl>
  );
}

function Bar({ percent }: { percent: number }) {
  return (
    <span class="bar" aria-hidden="true" style={{ '--share': `${percent}%` }}>
      <Mark mark={0} />
      <span class="line" />
      <Mark mark={1} />
    </span>
  );
}

/** By requests. */
function observedShare(recent: readonly Moment[]): number | undefined {
  let [part, whole] = [0, 0];
  for (const { observed, versions } of recent.slice(-observedFor)) {
    if (observed === null) continue;
    const requests = Object.values(versions).reduce((sum, version) => sum + version.requests, 0);
    part += observed * requests;
    whole += requests;
  }
  return whole === 0 ? undefined : part / whole;
}
