import { useRef, useState } from 'preact/hooks';
import type { GuardStanding } from '../snapshot.ts';
import { post } from './ask.ts';
import { Version } from './version.tsx';
import {
  agoText,
  countText,
  momentText,
  oddsText,
  rateText,
  treatmentName,
  unitsText,
  versionName,
} from './words.ts';

type Props = { guard: GuardStanding; versions: readonly string[]; now: number; able: boolean };

/** What the guard of a route compares, how sure it is, and what it found. */
export function Guard({ guard, versions, now, able }: Props) {
  const { route, unit, seen, signals, trip } = guard;
  const v0 = versionName(seen.control.version);
  const several = versions.length > 2;
  const v1 = several ? treatmentName(versions) : versionName(seen.treatment.version);
  const heading = `guard-${route}`;
  const title = useRef<HTMLHeadingElement>(null);
  const [cleared, setCleared] = useState(false);
  return (
    <section class="card guard" aria-labelledby={heading}>
      <h2 id={heading} ref={title} tabIndex={-1}>
        Guard <span class="quiet">of {route}</span>
      </h2>
      <p class="quiet">
        {doingText(guard, v0, v1)}
        {several && ` All versions but ${v0} are compared as one.`}
      </p>
      {trip?.route === route && <Trip trip={trip} v0={v0} now={now} />}
      <table class="seen">
        <thead>
          <tr>
            <th scope="col">version</th>
            <th scope="col">{unitsText(unit)}</th>
            <th scope="col">failed</th>
            <th scope="col">share</th>
          </tr>
        </thead>
        <tbody>
          {[seen.control, seen.treatment].map(({ version, units, failed }, side) => (
            <tr key={version}>
              <th scope="row">
                {several && side === 1 ? v1 : <Version version={version} versions={versions} />}
              </th>
              <td>{countText(units)}</td>
              <td>{countText(failed)}</td>
              <td>{rateText(failed, units)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul class="signals">
        {signals.map((signal) => (
          <Signal
            key={signal.signal}
            {...signal}
            acted={trip?.route === route && trip.signal === signal.signal}
          />
        ))}
      </ul>
      {trip?.route === route && (
        <Clear
          route={route}
          able={able}
          done={() => {
            setCleared(true);
            title.current?.focus();
          }}
        />
      )}
      <p class="answer" role="status" data-tone="good">
        {cleared && trip === null && 'Cleared: compared anew.'}
      </p>
    </section>
  );
}

/** What is compared, and what comes of it; or what came of it. */
function doingText({ route, trip, comparing, unit, onRegression }: GuardStanding, v0: string, v1: string) {
  if (trip !== null && trip.route !== route)
    return `${trip.action === 'notify' ? 'Told of' : 'Stopped'} with the flag: route ${trip.route} was found worse.`;
  if (trip?.action === 'rollback') return `Found worse: everybody gets ${v0} until this is cleared.`;
  const now = comparing
    ? `${v1} is compared with ${v0}, by ${unitsText(unit)}.`
    : `${v1} and ${v0} are not compared now: only one of them is served.`;
  return `${now} If ${v1} is worse, ${intents[onRegression](v0)}.`;
}

/** What will be done once treatment is found worse. */
const intents: Record<GuardStanding['onRegression'], (v0: string) => string> = {
  rollback: (v0) => `everybody is taken back to ${v0}`,
  pause: () => 'the rollout stays at its percentage',
  notify: () => 'that is said and nothing done',
};

/** Where nothing is compared on a route of the flag. */
export function NoGuard({ route }: { route: string }) {
  return (
    <p class="card quiet guard-off">
      Guard of {route}: off. Nothing is compared, and nobody is taken back by itself.
    </p>
  );
}

const names: Record<string, string> = { errors: 'Errors', latency: 'Latency', split: 'Uneven split' };

function Signal({
  signal,
  evidence,
  needed,
  warned,
  acted,
}: GuardStanding['signals'][number] & { acted: boolean }) {
  const name = names[signal] ?? signal;
  const part = Math.min(1, Math.max(0, evidence / needed));
  const text = `${oddsText(evidence)}; it takes ${oddsText(needed)}${signal === 'split' ? ' to warn' : ''}`;
  const mark = acted ? 'has acted' : warned ? 'has warned' : undefined;
  return (
    <li>
      <span class="signal">{name}</span>
      <span class="words">
        {text}
        {mark !== undefined && <strong class="warned">{mark}</strong>}
      </span>
      <span
        class="meter"
        role="meter"
        aria-label={`Evidence: ${name}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
        aria-valuetext={text}
        data-tone={part >= 1 ? 'bad' : warned || part > 0.6 ? 'warn' : 'still'}
        style={{ '--part': part }}
      />
    </li>
  );
}

type Found = NonNullable<GuardStanding['trip']>;

function Trip({ trip, v0, now }: { trip: Found; v0: string; now: number }) {
  return (
    <div class="notice bad trip" role="alert">
      <p>
        <strong>{trip.words}</strong>
      </p>
      <p>
        <time dateTime={trip.at} title={momentText(trip.at)}>
          {agoText(now - Date.parse(trip.at))}
        </time>
        , by {trip.signal}: {doneText(trip.action, v0)}.
      </p>
      {trip.requestIds.length > 0 && (
        <details>
          <summary>{trip.requestIds.length} of the requests, to look for in the log</summary>
          <ul class="ids">
            {trip.requestIds.map((id) => (
              <li key={id}>
                <code>{id}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function doneText(action: string, v0: string): string {
  if (action === 'rollback') return `everybody was taken back to ${v0}`;
  return action === 'pause' ? 'the rollout is held where it was' : 'nothing was done about it';
}

/** Forgets what was found, so that comparing begins anew. */
function Clear({ route, able, done }: { route: string; able: boolean; done: () => void }) {
  const [why, setWhy] = useState('');
  const [doing, setDoing] = useState(false);
  const [refused, setRefused] = useState('');
  const busy = useRef(false);
  async function clear(): Promise<void> {
    if (busy.current || !able) return;
    busy.current = true;
    setDoing(true);
    setRefused('');
    const answer = await post(`api/guard/${encodeURIComponent(route)}/clear`, { why });
    busy.current = false;
    setDoing(false);
    if (answer.ok) done();
    else setRefused(answer.words);
  }
  return (
    <form
      class="clear"
      onSubmit={(event) => {
        event.preventDefault();
        void clear();
      }}
    >
      <label class="field">
        <span>
          Why it may be forgotten <span class="quiet">(optional)</span>
        </span>
        <input value={why} maxLength={500} onInput={({ currentTarget }) => setWhy(currentTarget.value)} />
      </label>
      <button type="submit" disabled={!able} aria-disabled={doing}>
        {doing ? 'Clearing…' : 'Clear, and compare anew'}
      </button>
      <p class="answer" role="status" data-tone="bad">
        {refused}
      </p>
    </form>
  );
}
