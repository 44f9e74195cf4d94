import type { MetricObjects } from '../telemetry/metrics.ts';
import type { StoreAnswer, StoreQuestion } from '../store/remote-store.ts';
import type { TallyPart } from '../telemetry/tally.ts';
import type { PoolCounts } from '../upstream/pool.ts';

/** What a worker has done since it last told, and has now. */
export type Report = {
  tally: TallyPart;
  connections: number;
  /** By upstream. */
  pools: Map<string, PoolCounts>;
  /** Log lines that it could not write so far. */
  dropped: number;
  /** Its process' own figures, where they were asked for. */
  figures?: MetricObjects;
};

/** How a worker begins: with the text of the configuration, so that all read the same. */
export type Beginning = {
  text: string;
  file: string;
  format: 'json' | 'pretty';
  colours: boolean;
  /** How many share the limits. */
  workers: number;
  /** Whether it judges for all. */
  judges: boolean;
};

export type ToWorker =
  | { say: 'begin'; beginning: Beginning }
  | { say: 'reload'; id: number; text: string }
  | { say: 'report'; id: number }
  /** Somebody has written to the store. */
  | { say: 'changed' }
  /** With the socket of a client. */
  | { say: 'serve' }
  | { say: 'send away' }
  | { say: 'close' }
  | { say: 'answer'; id: number; answer: StoreAnswer };

/** `mistake`: it is the user's. */
export type Failure = { mistake: boolean; message: string };

export type ToLeader =
  /** It listens; what was said before would be lost. */
  | { say: 'here' }
  | { say: 'ready' }
  | { say: 'failed'; failure: Failure }
  /** It will end by itself, and takes no more. */
  | { say: 'leaving' }
  | { say: 'reloaded'; id: number; failure?: Failure }
  | { say: 'report'; id?: number; report: Report }
  | { say: 'ask'; id: number; question: StoreQuestion };
