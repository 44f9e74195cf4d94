import type { ComponentChildren } from 'preact';
import type { Explained as Told, FlagStanding } from '../snapshot.ts';
import { markOf, Version } from './version.tsx';
import { percentText, treatmentName } from './words.ts';

/** What a request would get, in lines to be read. */
export function Explained({ told, flags }: { told: Told; flags: readonly FlagStanding[] }) {
  const { route, flag, version, reason, meaning, upstream, contexts, bucket, warning } = told;
  const known = flags.find((standing) => standing.flag === flag)?.versions ?? [];
  const versions = [...new Set([...known, ...(bucket?.ranges ?? []).map(({ version }) => version)])];
  return (
    <dl class="explained">
      <Row name="route">
        {route}
        {flag !== null && <span class="quiet"> asks {flag}</span>}
      </Row>
      {version !== null && (
        <Row name="version">
          <Version version={version} versions={versions} />
        </Row>
      )}
      <Row name="because">
        {meaning} <code>{reason}</code>
      </Row>
      <Row name="upstream">{upstream}</Row>
      {flag !== null && <Row name="who">{whoIs(contexts)}</Row>}
      {bucket !== null && (
        <Row name="place">
          {placeText(bucket, versions)}
          <Place bucket={bucket} versions={versions} />
        </Row>
      )}
      {warning !== null && (
        <Row name="mind">
          <strong>{warning}</strong>
        </Row>
      )}
    </dl>
  );
}

function Row({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function whoIs(contexts: Told['contexts']): string {
  if (contexts.length === 0) return 'nobody';
  return contexts
    .map(({ kind, anonymous, minted }) => {
      if (minted) return `nobody known: a ${kind} with a key made up for this answer`;
      return anonymous ? `an anonymous ${kind}` : `a ${kind}`;
    })
    .join(', ');
}

type Bucket = NonNullable<Told['bucket']>;

function placeText({ percent, movesAt }: Bucket, versions: readonly string[]): string {
  const at = `at ${percentText(percent)} of the line`;
  return movesAt === null
    ? at
    : `${at}; gets ${treatmentName(versions)} when the rollout reaches ${percentText(movesAt)}`;
}

/** The line from 0 to 100 %, who gets what on it, and where this one is. */
function Place({ bucket: { percent, ranges }, versions }: { bucket: Bucket; versions: readonly string[] }) {
  return (
    <div class="place">
      <div class="ranges" aria-hidden="true">
        {ranges.map(({ version, from, to }) => (
          <span
            key={`${version} ${from}`}
            class={`mark-${markOf(versions, version)}`}
            style={{ '--from': `${from}%`, '--to': `${to}%` }}
          />
        ))}
        <span class="pin" style={{ '--at': `${percent}%` }} />
      </div>
      <ul>
        {ranges.map(({ version, from, to }) => (
          <li key={`${version} ${from}`}>
            <Version version={version} versions={versions} /> {percentText(from)} to {percentText(to)}
          </li>
        ))}
      </ul>
    </div>
  );
}
