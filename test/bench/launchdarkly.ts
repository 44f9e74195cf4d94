import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

/** The same flag as in `contenders/flags.yaml`, as LaunchDarkly sends it. */
const flag = {
  key: 'facts',
  version: 1,
  on: true,
  variations: [0, 1],
  offVariation: 0,
  fallthrough: {
    rollout: {
      variations: [
        { variation: 0, weight: 75_000 },
        { variation: 1, weight: 25_000 },
      ],
    },
  },
  salt: 'bench',
  targets: [],
  rules: [],
  prerequisites: [],
};

/** Flags from something that speaks as LaunchDarkly does; with a `sampling` it is sent events, and so many of our metrics. */
export const fromLaunchDarkly = (sampling: number | undefined) => async () => {
  const stub = await launchDarklyStub({ flags: { facts: flag } });
  const events = sampling === undefined ? 'events: false' : `events: true, metricSampling: ${sampling}`;
  return {
    section: `{ source: launchdarkly, sdkKey: sdk-bench, relay: '${stub.url.href}', ${events} }`,
    close: stub.close,
  };
};
