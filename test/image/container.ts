import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { cpuSeconds } from '../bench/cpu.ts';
import { until } from '../support/client.ts';
import { plainly, podman } from './podman.ts';

/** As a sidecar runs that trusts nobody: nothing to write to, nobody in particular, no rights, 256 MB. */
const confined = [
  '--network host --read-only --read-only-tmpfs=false --user 65532 --memory 256m',
  '--cap-drop all --security-opt no-new-privileges',
  // Without both, runc does not start where the machine's own limits are lower than podman's defaults.
  '--ulimit nofile=1024:1024 --ulimit nproc=1000:1000',
].flatMap((options) => options.split(' '));

export type Container = {
  name: string;
  /** The address of its admin port. */
  admin: string;
  /** Of the program, as this machine sees it. */
  pid: number;
  /** The program's log. */
  lines: readonly string[];
  /** Resolves with its exit code. */
  ended: Promise<number | null>;
  /** Milliseconds from the start of the process until it listened. */
  listeningMs: number;
  /** Milliseconds of CPU time that took. */
  cpuMs: number;
  /** Ends it, if it has not ended by itself. */
  remove: () => Promise<void>;
};

/**
 * Runs the image with a folder of configuration, and waits until it is ready. `heard` is told each line that comes out of
 * it; `volume` is where its state is, when that is to outlive it.
 */
export async function startContainer(
  image: string,
  folder: string,
  { heard = () => {}, volume }: { heard?: (line: string) => void; volume?: string } = {},
): Promise<Container> {
  const name = `trenchcoat-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const mounted = ['--volume', `${folder}:/etc/trenchcoat:ro`];
  if (volume !== undefined) mounted.push('--volume', `${volume}:/var/lib/trenchcoat`);
  const args = [...plainly, 'run', '--rm', '--name', name, ...confined, ...mounted, image];
  const child = spawn('podman', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    heard(line);
  });
  // Here podman complains, too, of having no systemd that would run the health check for it.
  let complaints = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.includes('systemd connection')) return;
    complaints += `${line}\n`;
    heard(line);
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const remove = async () => {
    if (child.exitCode === null && child.signalCode === null) await podman('kill', name).catch(() => {});
    await ended;
  };
  try {
    const ready = await until(
      () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${complaints}`);
        return lines.find((line) => line.includes('"msg":"ready"'));
      },
      'the container is ready',
      30_000,
    );
    const pid = Number(await podman('inspect', '--format', '{{.State.Pid}}', name));
    const cpuMs = cpuSeconds(pid) * 1000;
    const { time, admin } = JSON.parse(ready) as { time: string; admin: { port: number } };
    const address = `http://127.0.0.1:${admin.port}`;
    return {
      name,
      admin: address,
      pid,
      lines,
      ended,
      remove,
      cpuMs,
      listeningMs: Date.parse(time) - beganAt(pid),
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** When a process began, in milliseconds since 1970, to a hundredth of a second. */
function beganAt(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Date.now() - upSeconds * 1000 + ticks * 10;
}

/** Megabytes that a process has resident, once it has come to rest. */
export async function idleMegabytes(pid: number): Promise<number> {
  let cpu = -1;
  await until(
    async () => {
      const before = cpu;
      cpu = cpuSeconds(pid);
      await new Promise((resolve) => setTimeout(resolve, 500));
      // Its timers go on.
      return cpu - before < 0.02;
    },
    'the program is idle',
    20_000,
  );
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1000;
}
