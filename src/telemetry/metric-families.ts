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
