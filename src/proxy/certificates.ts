import type { X509Certificate } from 'node:crypto';
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls';
import { UserError } from '../config/errors.ts';
import {
  certificatesIn,
  expiryOf,
  faultText,
  readPems,
  type PemPaths,
  type Pems,
} from '../config/pem-files.ts';
import { watchPems } from '../config/pem-watch.ts';
import type { ListenTls } from '../config/tls-schema.ts';
import type { Log } from '../telemetry/log.ts';

/** Until when the certificate in a file holds, in milliseconds since 1970. */
export type Expiry = { file: string; expiresAt: number };

/** The certificates that clients are shown, as their files say it now. */
export type Certificates = {
  /** For a client that asks for this name. */
  contextFor(name: string): SecureContext;
  /** For a client that asks for none, as Node's servers take it. */
  options(): SecureContextOptions;
  /** Whether clients have to show one of their own. */
  mutual: boolean;
  /** `listener` is called when other certificates are in force. */
  onRenewed(listener: () => void): void;
  expiries(): Expiry[];
  close(): Promise<void>;
};

/** What is told of renewals. */
export type CertificateLog = Pick<Log, 'info' | 'warn' | 'error'>;

/** One certificate, ready for handshakes. */
type Shown = {
  file: string;
  certificate: X509Certificate;
  options: SecureContextOptions;
  context: SecureContext;
};

/**
 * Reads the files that `tls` names, and takes what replaces them, all of it at once; what cannot be used is told of, and leaves
 * the certificates before in force. Throws a `UserError` that says what is wrong with which file.
 */
export async function openCertificates(tls: ListenTls, log: CertificateLog): Promise<Certificates> {
  const { clientCa: ca, more } = tls;
  const sets: PemPaths[] = [tls, ...more].map(({ cert, key }) => ({ cert, key, ca }));
  const read = await Promise.all(sets.map(readPems));
  const faults = sets.flatMap((set, i) => (read[i]?.faults ?? []).map((fault) => faultText(set, fault)));
  if (faults.length > 0) throw new UserError([...new Set(faults)].join('\n'));

  const known = read.map(({ pems }) => pems);
  let all = known.map((pems, i) => shown(tls, sets[i], pems));
  let renewed: (() => void) | undefined;
  const expiries = () => all.map(({ file, certificate }) => ({ file, expiresAt: expiryOf(certificate) }));
  function warnOfExpired(): void {
    for (const { file, expiresAt } of expiries())
      if (expiresAt <= Date.now()) log.warn(inWords({ file, expiresAt }), 'a certificate has expired');
  }
  warnOfExpired();

  const watched = watchPems(sets, known, {
    renewed(pems) {
      all = pems.map((one, i) => shown(tls, sets[i], one));
      renewed?.();
      log.info({ certificates: expiries().map(inWords) }, 'the certificates were renewed');
      warnOfExpired();
    },
    refused: (message) =>
      log.error({}, `the certificates were changed and are not taken; those before are shown: ${message}`),
  });

  const first = () => all[0] as Shown;
  return {
    contextFor: (name) =>
      (all.find(({ certificate }) => certificate.checkHost(name) !== undefined) ?? first()).context,
    options: () => first().options,
    mutual: ca !== undefined,
    onRenewed: (listener) => (renewed = listener),
    expiries,
    close: () => watched.close(),
  };
}

const inWords = ({ file, expiresAt }: Expiry) => ({
  file,
  expires: new Date(expiresAt).toISOString(),
});

function shown({ minVersion }: ListenTls, { cert: file = '' }: PemPaths = {}, pems: Pems): Shown {
  const [certificate] = certificatesIn(pems.cert ?? '');
  if (certificate === undefined) throw new UserError(`${file}: no certificate`);
  const options: SecureContextOptions = { ...pems, minVersion };
  try {
    return { file, certificate, options, context: tls.createSecureContext(options) };
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
