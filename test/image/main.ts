import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBase } from './base.ts';
import { buildImage, image } from './build.ts';
import { idleMegabytes, startContainer } from './container.ts';
import { podman, skipWithoutPodman } from './podman.ts';

const usage = `usage: npm run image -- [options]
  --base IMAGE   what the Dockerfile starts from, such as docker.io/library/node:26-bookworm
                 (made here of Debian's packages and npm's node, once, and kept)
  --starts N     how often it is started; the median is told (5)`;

const config = `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
context: { user: { key: [{ header: X-User-Id }] } }
rollouts: { facts: { from: 0, to: 1, stages: [{ percent: 50, for: 1h }] } }
state: memory
upstreams:
  v0: { url: http://127.0.0.1:9/v0 }
  v1: { url: http://127.0.0.1:9/v1 }
routes:
  - { name: facts, match: { path: / }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }
`;

async function timed<T>(what: string, work: Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work;
  console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function measure(starts: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-image-'));
  try {
    // Nobody in particular has to read it.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'trenchcoat.yaml'), config);
    const seen: { ms: number; cpu: number; rss: number }[] = [];
    for (let i = 0; i < starts; i += 1) {
      const container = await startContainer(image, folder);
      const rss = await idleMegabytes(container.pid);
      seen.push({ ms: container.listeningMs, cpu: container.cpuMs, rss });
      await container.remove();
    }
    const of = (key: 'ms' | 'cpu' | 'rss') => median(seen.map((one) => one[key])).toFixed(0);
    const bytes = Number(await podman('image', 'inspect', '--format', '{{.Size}}', image));
    console.log(`${image}: ${(bytes / 1e6).toFixed(0)} MB`);
    console.log(`listening after ${of('ms')} ms, ${of('cpu')} ms of CPU time`);
    console.log(`idle with ${of('rss')} MB resident`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves with the exit code: 1 for a wrong command line, 2 for what is missing or failed. */
async function main(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args,
      options: { base: { type: 'string' }, starts: { type: 'string', default: '5' } },
    });
    const starts = Number(values.starts);
    if (!Number.isInteger(starts) || starts < 1) throw new TypeError('--starts: expected a number');
    const missing = skipWithoutPodman();
    if (missing !== false) throw new Error(`${missing}; Debian has them`);
    const base = values.base ?? (await timed('base', ensureBase()));
    await timed('image', buildImage(base));
    await measure(starts);
    return 0;
  } catch (error) {
    const isUsage = error instanceof TypeError;
    console.error(isUsage ? `${error.message}\n${usage}` : String(error));
    return isUsage ? 1 : 2;
  }
}

process.exit(await main(process.argv.slice(2)));
