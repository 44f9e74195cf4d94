import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { FlagStanding, RolloutStanding } from '../snapshot.ts';
import { post, type Answer } from './ask.ts';
import { Confirm } from './confirm.tsx';
import { usersOf } from './headline.ts';
import { percentText, versionName } from './words.ts';

type Verb = { say: string; doing: string; done: string };

/** What a person may do, in the order of the buttons. */
const verbs: Record<string, Verb> = {
  start: { say: 'Start', doing: 'Starting…', done: 'Started.' },
  resume: { say: 'Resume', doing: 'Resuming…', done: 'Resumed.' },
  pause: { say: 'Pause', doing: 'Pausing…', done: 'Paused.' },
  promote: { say: 'Promote…', doing: 'Promoting…', done: 'Promoted.' },
  rollback: { say: 'Roll back…', doing: 'Rolling back…', done: 'Rolled back.' },
};

type Props = { standing: FlagStanding; rollout: RolloutStanding; able: boolean };

/** A button for each verb that is open now. Without `able` none can be pressed. */
export function Steer({ standing, rollout, able }: Props) {
  const [why, setWhy] = useState('');
  const [doing, setDoing] = useState<string>();
  const [asking, setAsking] = useState<'rollback' | 'promote'>();
  const [answer, setAnswer] = useState<
    { ok: true; words: string; made: string } | { ok: false; words: string }
  >();
  const group = useRef<HTMLDivElement>(null);
  const pressed = useRef(false);
  const open = Object.keys(verbs).filter((verb) => rollout.verbs.includes(verb));

  const offered = open.join();

  // A button that was pressed goes with its verb, and would take the focus along.
  useLayoutEffect(() => {
    if (pressed.current && document.activeElement === document.body) group.current?.focus();
    pressed.current = false;
  }, [offered]);

  // What was done is said until something else has happened since.
  const { status } = rollout;
  useEffect(() => {
    setAnswer((said) => (said?.ok === true && said.made !== status ? undefined : said));
  }, [status]);

  async function act(verb: string): Promise<void> {
    if (!able || doing !== undefined) return;
    setAsking(undefined);
    setDoing(verb);
    setAnswer(undefined);
    pressed.current = true;
    const answer: Answer = await post(`api/rollouts/${encodeURIComponent(standing.flag)}/${verb}`, { why });
    setDoing(undefined);
    setAnswer(
      answer.ok
        ? { ok: true, words: verbs[verb]?.done ?? 'Done.', made: (answer.json as RolloutStanding).status }
        : answer,
    );
    if (answer.ok) setWhy('');
  }

  return (
    <div class="steer" ref={group} role="group" aria-label="Steer the rollout" tabIndex={-1}>
      {open.length > 0 && (
        <label class="field">
          <span>
            Why <span class="quiet">(optional, kept in the history)</span>
          </span>
          <input value={why} maxLength={500} onInput={({ currentTarget }) => setWhy(currentTarget.value)} />
        </label>
      )}
      <div class="verbs">
        {open.map((verb) => (
          <button
            key={verb}
            type="button"
            class={verb === 'rollback' ? 'danger' : verb === 'start' || verb === 'resume' ? 'main' : ''}
            disabled={!able}
            aria-disabled={doing !== undefined}
            onClick={() => {
              if (verb === 'rollback' || verb === 'promote') setAsking(verb);
              else void act(verb);
            }}
          >
            {doing === verb ? verbs[verb]?.doing : verbs[verb]?.say}
          </button>
        ))}
      </div>
      <p class="answer" role="status" data-tone={answer?.ok === false ? 'bad' : 'good'}>
        {answer?.words}
      </p>
      {asking !== undefined && (
        <Confirm
          title={asking === 'rollback' ? `Roll back ${standing.flag}?` : `Promote ${standing.flag}?`}
          yes={asking === 'rollback' ? 'Roll back' : 'Promote'}
          danger={asking === 'rollback'}
          able={able}
          why={why}
          setWhy={setWhy}
          act={() => void act(asking)}
          close={() => setAsking(undefined)}
        >
          {asking === 'rollback' ? rollbackText(standing, rollout) : promoteText(standing, rollout)}
        </Confirm>
      )}
    </div>
  );
}

function rollbackText(standing: FlagStanding, { from, to, percent }: RolloutStanding): string {
  const [v0, v1] = [versionName(from), versionName(to)];
  return `All ${usersOf(standing)} get ${v0} with their next request: the ${percentText(percent)} that are on ${v1} are taken back. It stays so until somebody starts the rollout again.`;
}

function promoteText(standing: FlagStanding, { from, to, percent, holdback }: RolloutStanding): string {
  const [v0, v1] = [versionName(from), versionName(to)];
  const whom =
    holdback > 0
      ? `${percentText(100 - holdback)} of ${usersOf(standing)}`
      : `All ${usersOf(standing)} (100 %)`;
  const rest = holdback > 0 ? ` ${percentText(holdback)} are held back on ${v0}.` : '';
  return `${whom} get ${v1}, in place of ${percentText(percent)} now. The stages that are left are skipped.${rest}`;
}
