/** Requests that a version served, and how many of them failed by its fault. */
export type Counts = { version: string; requests: number; errors: number };

/** What one proxy saw of one rollout since its stage began: requests, and failures of the upstreams. */
export type Traffic = {
  begin(): void;
  /** One request that the rollout decided. */
  saw(version: string, failed: boolean): void;
  control(): Counts;
  treatment(): Counts;
  /** Requests on treatment, those of other proxies included as far as they are known. */
  total(): number;
  /** Requests on treatment that other proxies do not know of yet. */
  uncounted(): number;
  /** `requests` were added to the sum of all proxies, which is now `sum`. */
  counted(requests: number, sum: number): void;
};

export function createTraffic({ from, to }: { from: string; to: string }): Traffic {
  const control = { version: from, requests: 0, errors: 0 };
  const treatment = { version: to, requests: 0, errors: 0 };
  let told = 0;
  let sum = 0;
  return {
    begin() {
      control.requests = control.errors = treatment.requests = treatment.errors = told = sum = 0;
    },
    saw(version, failed) {
      const counts = version === to ? treatment : version === from ? control : undefined;
      if (counts === undefined) return;
      counts.requests += 1;
      if (failed) counts.errors += 1;
    },
    control: () => ({ ...control }),
    treatment: () => ({ ...treatment }),
    total: () => sum + treatment.requests - told,
    uncounted: () => treatment.requests - told,
    counted(requests, all) {
      told += requests;
      sum = all;
    },
  };
}
