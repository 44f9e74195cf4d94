import type { Snapshot, UpstreamHealth } from '../snapshot.ts';
import { countText, spanText } from './words.ts';

/** Whether the proxy can do its work: its flags, its upstreams, and what has a say in its readiness. */
export function Health({ snapshot }: { snapshot: Snapshot }) {
  const { flagSource, readiness, upstreams, left } = snapshot;
  const well = flagSource.healthy && flagSource.initialized;
  return (
    <section class="card health" aria-labelledby="health-heading">
      <h2 id="health-heading">Health</h2>
      <h3>Flags</h3>
      <p>
        <Sign well={well}>{well ? 'well' : flagSource.initialized ? 'not well' : 'no flags yet'}</Sign>{' '}
        {flagSource.source === 'launchdarkly' ? 'LaunchDarkly' : 'Local flags'}: {flagSource.detail}
        {!well && flagSource.staleMs > 0 && `, for ${spanText(flagSource.staleMs)}`}
      </p>
      <h3>Readiness</h3>
      <p>
        <Sign well={readiness.ready}>{readiness.ready ? 'ready' : 'not ready'}</Sign>
      </p>
      <dl class="checks">
        {Object.entries(readiness.checks).map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <h3>Upstreams</h3>
      <ul class="upstreams">
        {upstreams.map((upstream) => (
          <Upstream key={upstream.name} {...upstream} />
        ))}
      </ul>
      {left.upstreams > 0 && <p class="quiet">{left.upstreams} more are not shown.</p>}
    </section>
  );
}

function Upstream({ name, url, health, active, idle, waiting, tunnels, failures }: UpstreamHealth) {
  const failed = Object.entries(failures).toSorted(([, a], [, b]) => b - a);
  return (
    <li>
      <p>
        <strong>{name}</strong>{' '}
        <Sign well={health === 'unused' ? undefined : health === 'answering'}>{health}</Sign>
      </p>
      <p class="quiet url">{url}</p>
      <p class="numbers">
        {active} active · {idle} idle · {waiting} waiting · {tunnels} tunnels
      </p>
      {failed.length > 0 && (
        <ul class="failures" aria-label={`Failures of ${name} since the start`}>
          {failed.map(([code, count]) => (
            <li key={code}>
              <code>{code}</code> {countText(count)}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** Well, not well, or, undefined, neither. */
function Sign({ well, children }: { well: boolean | undefined; children: string }) {
  return (
    <span class="chip" data-tone={well === undefined ? 'still' : well ? 'good' : 'bad'}>
      {children}
    </span>
  );
}
