import { packageFile, version } from '../../src/package.ts';
import { imageId, output, podman } from './podman.ts';

export const image = `localhost/trenchcoat:${version}`;

/**
 * Builds the image of the sources as they are, from a base. Layers that nothing has changed for are taken from the build
 * before; what a build leaves unused is removed, or each would cost hundreds of megabytes.
 */
export async function buildImage(base: string): Promise<void> {
  const cache = await output('npm', ['config', 'get', 'cache']);
  const build = [
    ...'build --format docker --layers --isolation chroot --pull=never --network host'.split(' '),
    // npm takes from the machine's own cache what is there, and the rest from its registry.
    `--volume=${cache}:/root/.npm`,
    `--build-arg=BASE=${base}`,
    `--build-arg=VERSION=${version}`,
  ];
  for (const stage of [
    ['--target', 'build', '--tag', 'localhost/trenchcoat-build'],
    ['--tag', image],
  ]) {
    const name = stage.at(-1) ?? image;
    const before = await imageId(name);
    await podman(...build, ...stage, packageFile('.'));
    if (before !== undefined && before !== (await imageId(name)))
      await podman('image', 'rm', before).catch(() => {});
  }
}
