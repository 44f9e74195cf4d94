import t from 'tap';
import { spawnNode } from '../support/plain-node.ts';
import { once } from 'node:events';
import { join } from 'node:path';

await t.test(
  'a window with a million users an hour stays within 20 MB, and nothing grows with them',
  async (t) => {
    const child = spawnNode(['--expose-gc', join(import.meta.dirname, 'memory-child.js')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (more: string) => (text += more));
    const [code] = (await once(child, 'close')) as [number | null];
    t.equal(code, 0);
    const { first, second } = JSON.parse(text) as Record<'first' | 'second', number>;
    t.ok(first <= 20, `${first.toFixed(1)} MB after the first hour`);
    // To remember each would take sixteen or more, and a heap is never quite still.
    t.ok(second <= first + 3, `${second.toFixed(1)} MB after the second, of other users`);
  },
);
