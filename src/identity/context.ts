/** One context kind of a request: its key, and whatever attributes the configuration reads. */
export type SingleContext = {
  kind: string;
  key: string;
  anonymous?: boolean;
  _meta?: { privateAttributes: string[] };
  [attribute: string]: unknown;
};

/** Who is asking, as flags see it: one context, or several kinds under `kind: 'multi'`. */
export type EvaluationContext = SingleContext | { kind: 'multi'; [kind: string]: unknown };
