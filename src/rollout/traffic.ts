/** Requests that a version served, and how many of them failed by its fault. */
export type Counts = { version: string; requests: number; errors: number };

/** What one proxy saw of one rollout at its present stage: requests, and failures of the upstreams. */
export type Traffic = {
  /** A stage or a percentage begins, of a rollout between these versions. */
  begin(versions: { from: string; to: string }): void;
  /** One request that the rollout decided. */
  saw(version: string, failed: boolean): void;
  control(): Counts;
  treatment(): Counts;
  /** Requests on treatment, those of other proxies included as far as they are known. */
  total(): number;
  /** All proxies together have seen so many requests on treatment, this one's included. */
  learned(sum: number): void;
};

const none = (version: string): Counts => ({ version, requests: 0, errors: 0 });

export function createTraffic({ from, to }: { from: string; to: string }): Traffic {
  let control = none(from);
  let treatment = none(to);
  let elsewhere = 0;
  return {
    begin(versions) {
      control = none(versions.from);
      treatment = none(versions.to);
      elsewhere = 0;
    },
    saw(version, failed) {
      const counts =
        version === treatment.version ? treatment : version === control.version ? control : undefined;
      if (counts === undefined) return;
      counts.requests += 1;
      if (failed) counts.errors += 1;
    },
    control: () => ({ ...control }),
    treatment: () => ({ ...treatment }),
    total: () => elsewhere + treatment.requests,
    learned(sum) {
      elsewhere = Math.max(0, sum - treatment.requests);
    },
  };
}
