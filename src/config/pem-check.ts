import type { X509Certificate } from 'node:crypto';
import { problemsError, type Problem } from './errors.ts';
import { loadConfig, type LoadedConfig } from './load.ts';
import { certificatesIn, expiryOf, readPems, type PemPaths } from './pem-files.ts';
import type { Config } from './schema.ts';

/** The PEM files of one purpose, where they are named, and under which key. */
type Named = { path: PropertyKey[]; paths: PemPaths; caKey?: string };

/**
 * Looks at every PEM file that a configuration names. `problems` stand at the keys that name them; `notes` say what is
 * no mistake in the file, and yet hardly meant.
 */
export async function checkPems({
  config,
  problem,
}: LoadedConfig): Promise<{ problems: Problem[]; notes: string[] }> {
  const problems: Problem[] = [];
  const notes: string[] = [];
  for (const { path, paths, caKey = 'ca' } of pemsOf(config)) {
    const { pems, faults } = await readPems(paths);
    for (const { use, message } of faults)
      problems.push(problem([...path, use === 'ca' ? caKey : use], `${paths[use]}: ${message}`));
    if (faults.length > 0) continue;
    if (pems.ca !== undefined && !certificatesIn(pems.ca).some(isAuthority))
      notes.push(
        `${paths.ca} is no authority's certificate, but one that an authority has signed; nothing is believed by it`,
      );
    if (pems.cert === undefined) continue;
    const [own] = certificatesIn(pems.cert);
    if (own !== undefined && expiryOf(own) <= Date.now())
      notes.push(`${paths.cert} has expired: ${own.validTo}`);
    else if (own !== undefined && Date.parse(own.validFrom) > Date.now())
      notes.push(`${paths.cert} is not valid yet, but from ${own.validFrom}`);
  }
  return { problems, notes };
}

/** Whether others can be signed by it, or it is its own authority. */
const isAuthority = (certificate: X509Certificate): boolean =>
  certificate.ca || certificate.checkIssued(certificate);

/** Reads and checks a configuration that is to be served, with the PEM files that it names. Throws a `UserError`. */
export async function loadToServe(file: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(file);
  const { problems } = await checkPems(loaded);
  if (problems.length > 0) throw problemsError(problems);
  return loaded;
}

function pemsOf({ listen: { tls }, upstreams }: Config): Named[] {
  const shown: Named[] =
    tls === undefined
      ? []
      : [
          { path: ['listen', 'tls'], paths: { cert: tls.cert, key: tls.key } },
          ...tls.more.map((paths, i) => ({ path: ['listen', 'tls', 'more', i], paths })),
          { path: ['listen', 'tls'], paths: { ca: tls.clientCa }, caKey: 'clientCa' },
        ];
  const upstream = Object.entries(upstreams).map(
    ([
      name,
      {
        tls: { ca, cert, key },
      },
    ]) => ({
      path: ['upstreams', name, 'tls'],
      paths: { ca, cert, key },
    }),
  );
  return [...shown, ...upstream];
}
