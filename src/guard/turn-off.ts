import type { Clock } from '../clock.ts';
import { printable, quoted } from '../config/errors.ts';
import type { GuardConfig } from '../config/guard-schema.ts';
import { sdkAgent } from '../flags/agent.ts';
import type { FlagLog } from '../flags/provider.ts';
import { waitFor } from './backoff.ts';
import { flagApi, type FlagState, type Refusal } from './launchdarkly-api.ts';
import type { GuardView } from './view.ts';

export type TurnOffParts = {
  launchdarkly: NonNullable<GuardConfig['launchdarkly']>;
  /** Key of the flag. */
  flag: string;
  /** The version that all must have once the flag is off. */
  control: string;
  /** The HTTP proxy that leads out, as for the flags. */
  proxy?: URL | undefined;
  log: FlagLog;
  clock: Clock;
  random?: () => number;
};

/** Nothing of it throws, or waits for the network. */
export type TurnOff = {
  /** Turns the flag off, with `why` as a comment, trying until it is off or has to be left alone. Once only until `cancel`. */
  start(why: string): void;
  /** Tries no more. What was done stays done. */
  cancel(): void;
  /** Undefined while nothing is started. */
  view(): GuardView['launchdarkly'];
  /** Cancels, and lets go of every connection; nothing can be started any more. */
  close(): void;
};

type View = NonNullable<GuardView['launchdarkly']>;

/** Milliseconds that LaunchDarkly can ask for. Until the flag is off, every other SDK stays on treatment. */
const longestAsked = 5 * 60_000;

/** Turns a flag off in LaunchDarkly, when v1 is found worse, so that every replica and every other SDK follows. */
export function createTurnOff(parts: TurnOffParts): TurnOff {
  const { launchdarkly, flag, control, proxy, log, clock, random = Math.random } = parts;
  const { url, project, environment } = launchdarkly;
  const { agent, release } = sdkAgent(url.protocol === 'https:', proxy);
  const api = flagApi({ launchdarkly, flag, agent, clock });
  const about = { flag, project, environment };
  let run: { view: View; stop: () => void } | undefined;
  let closed = false;

  async function turnOff(why: string, signal: AbortSignal): Promise<View> {
    const state = await api.read(signal);
    const harm = harmOf(state);
    if (!state.on) {
      if (harm === undefined) log.info(about, 'a flag is off in LaunchDarkly already');
      else log.error(about, `a flag is off in LaunchDarkly already, and ${harm}`);
      return { status: 'off', detail: harm === undefined ? 'off already' : `off already, and ${harm}` };
    }
    if (harm !== undefined) {
      log.error(about, `a flag is not turned off in LaunchDarkly: it is left alone, because ${harm}`);
      return { status: 'left alone', detail: `left on, because ${harm}` };
    }
    await api.turnOff(`trenchcoat: ${why}`, signal);
    log.info(about, 'a flag is turned off in LaunchDarkly');
    return { status: 'off', detail: `turned off in ${printable(environment)}` };
  }

  /** What keeps all from having control once the flag is off. */
  function harmOf({ offVersion }: FlagState): string | undefined {
    if (offVersion === control) return undefined;
    if (offVersion === undefined) return 'its off variation names no version';
    return `its off variation is ${printable(quoted(offVersion))}, not the control ${quoted(control)}`;
  }

  return {
    start(why) {
      if (closed || run !== undefined) return;
      const over = new AbortController();
      let forget: (() => void) | undefined;
      let failures = 0;
      let told: string | undefined;
      const current: { view: View; stop: () => void } = (run = {
        view: { status: 'trying', detail: `asking ${url.origin}` },
        stop() {
          over.abort();
          forget?.();
        },
      });
      const attempt = async (): Promise<void> => {
        try {
          const view = await turnOff(why, over.signal);
          if (!over.signal.aborted) current.view = view;
        } catch (error) {
          if (over.signal.aborted) return;
          const { message, kind, asked } = error as Refusal;
          failures += 1;
          const tries = failures === 1 ? 'a try has failed' : `${failures} tries have failed`;
          current.view = { status: 'trying', detail: `${message}; ${tries}` };
          if (kind !== told)
            log.error({ ...about, why: message }, 'a flag cannot be turned off in LaunchDarkly yet');
          told = kind;
          forget = clock.after(waitFor(failures, asked, longestAsked, random), () => void attempt());
        }
      };
      void attempt();
    },
    cancel,
    view: () => run?.view,
    close() {
      closed = true;
      cancel();
      release();
    },
  };

  function cancel(): void {
    run?.stop();
    run = undefined;
  }
}
