import type { Regression } from '../../src/telemetry/regression.ts';

/** A regression as the guard finds them: v1 fails one user in ten. */
export const aRegression = (more: Partial<Regression> = {}): Regression => ({
  id: '00112233445566ff',
  at: Date.UTC(2026, 0, 1, 12),
  flag: 'api-version',
  route: 'checkout',
  signal: 'errors',
  action: 'rollback',
  unit: 'user',
  control: { version: '0', units: 430, events: 2, latencyMs: null },
  treatment: { version: '1', units: 412, events: 38, latencyMs: null },
  evidence: { log: Math.log(41_000), needed: Math.log(330) },
  slowerThanMs: null,
  code: null,
  percent: 50,
  stage: 1,
  requestIds: ['a-request', 'another'],
  ...more,
});
