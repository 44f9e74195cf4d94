import { packageFile, version } from '../../src/package.ts';
import { imageId, output, podman } from './podman.ts';

export const image = `localhost/trenchcoat:${version}`;

/**
 * Builds the image of the sources as they are, from a base. Layers that nothing has changed for are taken from builds
 * before, for a day; then they are removed, since each build leaves hundreds of megabytes.
 */
export async function buildImage(base: string): Promise<void> {
  const before = await imageId(image);
  const cache = await output('npm', ['config', 'get', 'cache']);
  await podman(
    ...'build --format docker --layers --isolation chroot --pull=never --network host'.split(' '),
    // npm takes from the machine's own cache what is there, and the rest from its registry.
    `--volume=${cache}:/root/.npm`,
    `--build-arg=BASE=${base}`,
    `--build-arg=VERSION=${version}`,
    `--tag=${image}`,
    packageFile('.'),
  );
  const stale = [
    podman('image', 'prune', '--force', '--filter=label=trenchcoat.stage=build', '--filter=until=24h'),
  ];
  if (before !== undefined && before !== (await imageId(image))) stale.push(podman('image', 'rm', before));
  // What somebody else still uses stays.
  await Promise.allSettled(stale);
}
