import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageId, output, podman } from './podman.ts';

/** The Active LTS. */
const node = '26.12.1';
const npm = '11.21.2';

/** What the Dockerfile's first stage runs, and the libraries that Node links. */
const packages =
  'bash,binutils,ca-certificates,coreutils,dash,findutils,grep,gzip,libatomic1,libc-bin,libstdc++6,sed,tar';

/**
 * The image that the Dockerfile starts from, where no registry of images is at hand: Debian's packages, unpacked, and Node
 * from npm's registry. It is made once and kept among podman's images. Resolves with its name.
 */
export async function ensureBase(): Promise<string> {
  // What this machine trusts npm's registry by, when it is not what everybody does.
  const trusted = process.env['NODE_EXTRA_CA_CERTS'];
  const inputs = JSON.stringify([node, npm, packages, trusted && readFileSync(trusted, 'utf8')]);
  const name = `localhost/trenchcoat-base:${createHash('sha256').update(inputs).digest('hex').slice(0, 12)}`;
  if ((await imageId(name)) !== undefined) return name;

  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-base-'));
  try {
    const root = join(folder, 'root');
    // Unpacked only: nothing in it is installed, so nothing has to be flushed to the disk package by package.
    const included = `--include=${packages}`;
    await output('mmdebstrap', ['--quiet', '--variant=extract', included, 'bookworm', root]);
    const authorities = join(root, 'usr/share/ca-certificates/mozilla');
    const bundle = readdirSync(authorities).map((file) => readFileSync(join(authorities, file), 'utf8'));
    writeFileSync(join(root, 'etc/ssl/certs/ca-certificates.crt'), bundle.join(''));
    if (trusted !== undefined) copyFileSync(trusted, join(root, 'etc/ssl/certs/npm-registry.crt'));
    const programs = [`node-linux-${process.arch}@${node}`, `npm@${npm}`];
    const prefix = `--prefix=${join(root, 'usr/local')}`;
    await output('npm', ['install', '--global', prefix, '--ignore-scripts', ...programs]);
    const tar = join(folder, 'base.tar');
    await output('tar', ['-C', root, '-cf', tar, '.']);
    const changes = [
      'ENV HOME=/root',
      ...(trusted === undefined ? [] : ['ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/npm-registry.crt']),
    ];
    await podman('import', ...changes.flatMap((change) => ['--change', change]), tar, name);
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
