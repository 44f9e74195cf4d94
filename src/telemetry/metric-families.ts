import { one, type Family } from './family.ts';
import { steeringFamilies } from './steering-families.ts';
import { trafficFamilies } from './traffic-families.ts';

/** All that Prometheus is told by us. */
export const families: readonly Family[] = [
  ...trafficFamilies,
  ...steeringFamilies,
  {
    name: 'trenchcoat_log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines that could not be written: the reader was gone or too slow, or the disk full.',
    labels: [],
    samples: ({ droppedLines }) => one(droppedLines()),
  },
  {
    name: 'trenchcoat_config_reloads_total',
    type: 'counter',
    help: 'Times that the configuration was read again: `applied`, or `refused` while the one before went on being served.',
    labels: ['result'],
    *samples({ reloads }) {
      const { applied, refused } = reloads();
      yield { labels: { result: 'applied' }, value: applied };
      yield { labels: { result: 'refused' }, value: refused };
    },
  },
  {
    name: 'trenchcoat_config_current',
    type: 'gauge',
    help: '1 while the configuration file is the one that is served, 0 when its last change was refused.',
    labels: [],
    samples: ({ reloads }) => one(reloads().trouble === undefined ? 1 : 0),
  },
  {
    name: 'trenchcoat_config_applied_timestamp_seconds',
    type: 'gauge',
    help: 'When the configuration that is served was put in force, in seconds since 1970.',
    labels: [],
    samples: ({ reloads }) => one(reloads().appliedAt / 1000),
  },
  {
    name: 'trenchcoat_build_info',
    type: 'gauge',
    help: 'Always 1; what runs here.',
    labels: ['version', 'node'],
    samples: ({ version }) => [{ labels: { version, node: process.version }, value: 1 }],
  },
];

/** The families as a table of Markdown. */
export const familiesTable = (): string =>
  [
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...families.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    ),
    '',
  ].join('\n');
