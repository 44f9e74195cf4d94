import type { FlagStanding, Moment } from '../snapshot.ts';
import { headlineOf, overriding } from './headline.ts';
import { Stages } from './stages.tsx';
import { Steer } from './steer.tsx';
import { Mark } from './version.tsx';
import { percentText, treatmentName, versionName } from './words.ts';

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
      <Shares standing={standing} recent={recent} now={now} />
      {rollout !== null && <Stages rollout={rollout} />}
      {rollout !== null && <Steer key={flag} standing={standing} rollout={rollout} able={able} />}
    </section>
  );
}

/** What share is meant to get treatment, and what share did. */
function Shares({ standing, recent, now }: Omit<Props, 'able'>) {
  const { scheduled, versions, rollout } = standing;
  if (scheduled === null) return null;
  if (overriding(standing))
    return (
      <dl class="shares">
        <div>
          <dt>scheduled by the flag</dt>
          <dd>{percentText(scheduled)} (overridden)</dd>
        </div>
        <div>
          <dt>observed</dt>
          <dd>nobody is divided now</dd>
        </div>
      </dl>
    );
  const to = rollout === null ? treatmentName(versions) : versionName(rollout.to);
  const { observed, seconds } = observedShare(recent, scheduled, now);
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
        <dt>observed{seconds > 0 && `, last ${seconds} s`}</dt>
        <dd>
          {observed === undefined ? 'no requests yet' : percentText(observed, 1)}
          {observed !== undefined && <Bar percent={observed} />}
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

/** Milliseconds that the observed share is taken over, at the most. */
const observedFor = 30_000;

/** By requests, since the schedule has been what it is; without the second in which it changed. */
function observedShare(recent: readonly Moment[], scheduled: number | null, now: number) {
  const last = recent.filter(({ at }) => at >= now - observedFor - 1000);
  const changed = last.findLastIndex((moment) => moment.scheduled !== scheduled);
  const since = changed === -1 ? last : last.slice(changed + 2);
  const from = since[0]?.at ?? now;
  let [part, whole] = [0, 0];
  for (const { observed, versions } of since) {
    if (observed === null) continue;
    const requests = Object.values(versions).reduce((sum, version) => sum + version.requests, 0);
    part += observed * requests;
    whole += requests;
  }
  return {
    observed: whole === 0 ? undefined : part / whole,
    seconds: Math.min(30, Math.round((now - from) / 1000)),
  };
}
