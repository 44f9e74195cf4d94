import type http from 'node:http';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { printable } from '../config/errors.ts';
import type { GuardConfig } from '../config/guard-schema.ts';
import { askedToWait } from './backoff.ts';
import { OutboundError, send } from './outbound.ts';

/** A flag in one environment. `offVersion`: what all have when it is off, as text; undefined for nothing, or JSON. */
export type FlagState = { on: boolean; offVersion: string | undefined };

/** Why LaunchDarkly did not do as it was asked. The message is for people, without secrets. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** The same for the same fault. */
  readonly kind: string;
  /** Milliseconds for which it wants no more requests. */
  readonly asked: number | undefined;

  constructor(message: string, kind: string, asked?: number) {
    super(message);
    this.kind = kind;
    this.asked = asked;
  }
}

/** Both reject with a `Refusal`, and settle within ten seconds. */
export type FlagApi = {
  read(signal: AbortSignal): Promise<FlagState>;
  turnOff(comment: string, signal: AbortSignal): Promise<void>;
};

export type FlagApiParts = {
  launchdarkly: NonNullable<GuardConfig['launchdarkly']>;
  /** Key of the flag. */
  flag: string;
  agent: http.Agent;
  clock: Clock;
};

/** Bytes of an answer: a flag with all its targets can be large. */
const most = 16 * 1024 ** 2;

/** Characters of a comment, for which LaunchDarkly names no limit, and of what it says is wrong. */
const longestComment = 500;
const longestReason = 200;

/** Every client is to name the version it was written for. */
const apiVersion = '20240415';

const flagSchema = z.object({
  variations: z.array(z.object({ value: z.unknown() })),
  environments: z.record(z.string(), z.unknown()).prefault({}),
});
const environmentSchema = z.object({ on: z.boolean(), offVariation: z.int().nullish() });

/** One flag in LaunchDarkly's REST API. */
export function flagApi({ launchdarkly, flag, agent, clock }: FlagApiParts): FlagApi {
  const { url, apiToken, project, environment } = launchdarkly;
  const origin = url.origin;

  /** The state of the flag, which both requests are answered with; undefined when it says nothing of the environment. */
  async function ask(
    method: 'GET' | 'PATCH',
    signal: AbortSignal,
    body?: object,
  ): Promise<FlagState | undefined> {
    const key = [project, flag].map(encodeURIComponent).join('/');
    const query = method === 'GET' ? `?env=${encodeURIComponent(environment)}` : '';
    const answer = await send({
      method,
      url,
      path: `${url.pathname.replace(/\/$/, '')}/api/v2/flags/${key}${query}`,
      headers: {
        accept: 'application/json',
        authorization: apiToken,
        'ld-api-version': apiVersion,
        ...(body && { 'content-type': 'application/json; domain-model=launchdarkly.semanticpatch' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      agent,
      most,
      signal,
      clock,
    });
    const { status, whole } = answer;
    if (status !== 200)
      throw new Refusal(
        `${origin} answered ${status}${reason(status, answer.body)}`,
        String(status),
        askedToWait(answer, clock.now()),
      );
    if (!whole) throw new Refusal(`the answer of ${origin} does not come whole`, 'cut');
    const { success, data } = flagSchema.safeParse(parsed(answer.body));
    if (!success) throw new Refusal(`${origin} does not answer as LaunchDarkly does`, 'shape');
    if (!Object.hasOwn(data.environments, environment)) return undefined;
    const { data: found } = environmentSchema.safeParse(data.environments[environment]);
    if (found === undefined) throw new Refusal(`${origin} does not answer as LaunchDarkly does`, 'shape');
    return { on: found.on, offVersion: versionOf(data.variations[found.offVariation ?? -1]?.value) };
  }

  /** What LaunchDarkly says is wrong: of help, and not ours to trust. */
  function reason(status: number, body: string): string {
    if (status === 401) return ': the API token is unknown, or may not do this';
    const { data } = z.object({ message: z.string().min(1) }).safeParse(parsed(body));
    if (data === undefined) return '';
    return `: ${printable(data.message.replaceAll(apiToken, '…').slice(0, longestReason))}`;
  }

  return {
    async read(signal) {
      const state = await ask('GET', signal).catch(rethrown);
      if (state === undefined)
        throw new Refusal(`the flag has no environment ${printable(environment)} in LaunchDarkly`, 'none');
      return state;
    },
    async turnOff(comment, signal) {
      const state = await ask('PATCH', signal, {
        environmentKey: environment,
        comment: printable(comment.slice(0, longestComment)),
        instructions: [{ kind: 'turnFlagOff' }],
      }).catch(rethrown);
      if (state?.on) throw new Refusal('LaunchDarkly took the change, and the flag is still on', 'still on');
    },
  };
}

function rethrown(error: unknown): never {
  if (error instanceof Refusal) throw error;
  if (error instanceof OutboundError) throw new Refusal(error.message, error.code);
  // A key that no address can carry.
  throw new Refusal(`LaunchDarkly cannot be asked: ${String(error)}`, 'fault');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** As the proxy reads a variation: JSON names no version. */
function versionOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
