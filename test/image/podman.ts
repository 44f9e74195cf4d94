import { execFile, spawnSync } from 'node:child_process';

/** For tap's `skip`: which program is missing. Never on CI, where a missing one must be a failure. */
export function skipWithoutPodman(): string | false {
  if (process.env['CI'] === 'true') return false;
  const missing = ['podman', 'buildah', 'runc', 'mmdebstrap'].filter(
    (name) => spawnSync(name, ['--version']).error !== undefined,
  );
  return missing.length > 0 && `no ${missing.join(', no ')} on this machine`;
}

/**
 * Containers without systemd and without a network of their own, by the oldest way there is: it works on a machine that
 * is itself a container.
 */
export const plainly = ['--cgroup-manager', 'cgroupfs', '--runtime', 'runc'] as const;

/** What a command wrote on its standard output. Rejects with what it wrote on the other when it fails. */
export function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 64 * 1024 ** 2 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout.trim());
      const said = stderr.split('\n').slice(-40).join('\n');
      reject(new Error(`${program} ${args[0]} failed: ${error.code ?? error.signal}\n${said}`));
    });
  });
}

export const podman = (...args: readonly string[]): Promise<string> => output('podman', args);

/** The id of an image; undefined when there is none of that name. */
export const imageId = (name: string): Promise<string | undefined> =>
  podman('image', 'inspect', '--format', '{{.Id}}', name).catch(() => undefined);
