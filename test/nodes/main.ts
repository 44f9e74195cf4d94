import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { nodes, passOn } from '../support/nodes.ts';

/**
 * Runs all that speaks HTTP on every Node of `.ci/nodes`, three files at a time. It takes a quarter of an hour; a part of it is in
 * the suite.
 */
const rooms = /^(cli|doors|e2e|limits|proxy|upstream|wire)\//;
/** Simulations, which ask nothing of Node that others do not. */
const isLong = /no-difference/;

const files = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js') && rooms.test(file) && !isLong.test(file))
  .map((file) => file.replace(/\.test\.js$/, ''))
  .toSorted();

t.setTimeout(0);
t.jobs = 3;
t.plan(files.length * nodes.size);
for (const file of files) for (const [name, node] of nodes) void passOn(t, name, node, file);
