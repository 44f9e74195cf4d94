import type { AdminParts } from '../../src/admin/server.ts';

/** What an admin port shows beside what a test is about: nothing. */
export const quietAdmin: Omit<AdminParts, 'rollouts' | 'guards'> = {
  readiness: () => ({ ready: true, checks: {} }),
  metrics: async () => ({ contentType: 'text/plain', text: '' }),
  snapshot: () => {
    throw new Error('nobody looks');
  },
  everySecond: () => () => {},
  histories: () => undefined,
  explain: async () => 'nothing is explained here',
  reload: async () => ({ ok: true, changed: [] }),
};
