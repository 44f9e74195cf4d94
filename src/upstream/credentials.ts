import tls, { type SecureContext } from 'node:tls';
import { certificatesIn, expiryOf, readPemsNow, type PemPaths, type Pems } from '../config/pem-files.ts';
import { watchPems } from '../config/pem-watch.ts';

/** What the proxy is to an upstream, and whom it believes, as the files say it now. */
export type Credentials = {
  /** Made once, and shared by the connections until the files change. */
  context(): SecureContext;
  close(): void;
};

/** What is to be told of the files. */
export type CredentialNews = {
  /** These are in force, from now on or from the start; `expiresAt` is the certificate's end, in milliseconds since 1970. */
  inForce: (certificate: { file: string; expiresAt: number } | undefined, renewed: boolean) => void;
  /** Others stand in the files, and cannot be taken. */
  refused: (message: string) => void;
};

/**
 * Reads the files, and again when one of them changes. Files that do not fit together, as when one of two is written,
 * leave the ones before in force. Throws a `UserError` when there are none.
 */
export function openCredentials(paths: PemPaths, { inForce, refused }: CredentialNews): Credentials {
  let pems = readPemsNow(paths);
  let context: SecureContext | undefined;
  inForce(certificateOf(paths, pems), false);
  const watched = watchPems([paths], [pems], {
    renewed([next = {}]) {
      context = tls.createSecureContext(next);
      pems = next;
      inForce(certificateOf(paths, pems), true);
    },
    refused,
  });
  return {
    context: () => (context ??= tls.createSecureContext(pems)),
    close: () => void watched.close(),
  };
}

function certificateOf({ cert: file }: PemPaths, { cert }: Pems) {
  const [own] = cert === undefined ? [] : certificatesIn(cert);
  return own === undefined || file === undefined ? undefined : { file, expiresAt: expiryOf(own) };
}
