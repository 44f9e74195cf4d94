import t from 'tap';
import { openedFile, user } from '../support/flags.ts';
import { readFlagFile } from '../../src/flags/flag-file.ts';

await t.test(
  'JSON as LaunchDarkly sends it, with keys that are not read and nulls for what is absent',
  async (t) => {
    const { provider } = await openedFile(
      t,
      JSON.stringify({
        flags: {
          api: {
            key: 'api',
            version: 12,
            salt: '0ff5e7',
            sel: 'e1e2e3',
            on: true,
            variations: [0, null],
            offVariation: null,
            fallthrough: { variation: 0, rollout: null },
            targets: [],
            contextTargets: [{ contextKind: 'user', variation: 1, values: [] }],
            prerequisites: [],
            rules: null,
            clientSideAvailability: { usingMobileKey: false, usingEnvironmentId: false },
            trackEvents: false,
            debugEventsUntilDate: null,
            deleted: false,
          },
        },
        segments: {
          all: { key: 'all', version: 3, included: null, rules: [{ id: 'r', clauses: [], weight: 50_000 }] },
        },
      }),
    );
    t.equal((await provider.evaluate('api', user('1'), 'default')).value, 0);
    t.match(provider.flagData('api'), { version: 12, salt: '0ff5e7' });
  },
);

await t.test('what a hand-written file leaves out is filled in', async (t) => {
  const { file } = await openedFile(
    t,
    'flags: { api: { on: false, variations: [1] } }\nflagValues: { colour: red }\nsegments: { all: {} }',
  );
  t.same((await readFlagFile(file)).data, {
    flags: {
      api: { key: 'api', version: 1, salt: 'api', on: false, variations: [1] },
      colour: {
        key: 'colour',
        version: 1,
        salt: 'colour',
        on: true,
        variations: ['red'],
        fallthrough: { variation: 0 },
      },
    },
    segments: { all: { key: 'all', version: 1, salt: 'all', included: [], excluded: [], rules: [] } },
  });
});

await t.test('`${…}` in a flag file is text like any other', async (t) => {
  const { provider } = await openedFile(t, 'flagValues: { api: "${HOME}" }');
  t.equal((await provider.evaluate('api', user('1'), 'default')).value, '${HOME}');
});

await t.test('a byte order mark is passed over, and a key may be a number', async (t) => {
  const { provider } = await openedFile(t, '\uFEFFflagValues: { 7: seven }');
  t.equal((await provider.evaluate('7', user('1'), 'default')).value, 'seven');
  t.equal((await provider.evaluate('constructor', user('1'), 'default')).value, 'default');
});
