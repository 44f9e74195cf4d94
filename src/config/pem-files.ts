import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UserError } from './errors.ts';
import { reasonOf, readTextFile } from './text-file.ts';

/** What a PEM file is used for. */
type Use = 'cert' | 'key' | 'ca';

/** The PEM files of one purpose, absolute: a certificate with its key, authorities, or both. */
export type PemPaths = { readonly [use in Use]?: string | undefined };

/** What stands in them. */
export type Pems = { readonly [use in Use]?: string };

/** What is wrong with one of them, in a sentence, or half a one that its path begins. */
export type Fault = { use: Use; message: string };

const uses: readonly Use[] = ['cert', 'key', 'ca'];

/** Reads files and looks at what stands in them. */
export async function readPems(paths: PemPaths): Promise<{ pems: Pems; faults: Fault[]; read: boolean }> {
  const pems: { [use in Use]?: string } = {};
  const faults: Fault[] = [];
  let allRead = true;
  for (const use of uses) {
    const file = paths[use];
    if (file === undefined) continue;
    const { text, problems, read } = await readTextFile(file);
    allRead &&= read;
    if (text === undefined) faults.push({ use, message: problems[0]?.message ?? 'cannot be read' });
    else pems[use] = text;
  }
  return { pems, faults: faults.length > 0 ? faults : faultsOf(pems), read: allRead };
}

/** The same at once, for a few small files. Throws a `UserError` that names what is wrong. */
export function readPemsNow(paths: PemPaths): Pems {
  const pems: { [use in Use]?: string } = {};
  for (const use of uses) {
    const file = paths[use];
    if (file === undefined) continue;
    try {
      pems[use] = readFileSync(file, 'utf8');
    } catch (error) {
      throw faultsError(paths, [{ use, message: reasonOf(error) }]);
    }
  }
  const faults = faultsOf(pems);
  if (faults.length > 0) throw faultsError(paths, faults);
  return pems;
}

export const faultsError = (paths: PemPaths, faults: readonly Fault[]): UserError =>
  new UserError(faults.map((fault) => faultText(paths, fault)).join('\n'));

/** `/etc/tls/key.pem: no such file` */
export const faultText = (paths: PemPaths, { use, message }: Fault): string =>
  `${paths[use] ?? use}: ${message}`;

/** What is wrong with what stands in the files of one purpose. */
function faultsOf({ cert, key, ca }: Pems): Fault[] {
  const faults: Fault[] = [];
  const certificates = cert === undefined ? [] : orFault('cert', () => certificatesIn(cert));
  if (ca !== undefined) orFault('ca', () => certificatesIn(ca));
  const privateKey = key === undefined ? undefined : orFault('key', () => keyIn(key));
  const [own, ...others] = certificates ?? [];
  if (own === undefined || privateKey === undefined || own.checkPrivateKey(privateKey)) return faults;
  const message = others.some((other) => other.checkPrivateKey(privateKey))
    ? 'this key belongs to a certificate that has to stand first in its file'
    : 'this is the key of another certificate; `cert` and `key` have to be made for each other';
  return [{ use: 'key', message }];

  function orFault<T>(use: Use, found: () => T): T | undefined {
    try {
      return found();
    } catch (error) {
      faults.push({ use, message: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }
}

const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END [A-Z0-9 ]+-----/g;

/** All certificates of a PEM text, in its order. Throws an `Error` that says why there is none. */
export function certificatesIn(text: string): X509Certificate[] {
  const blocks = text.match(block) ?? [];
  if (blocks.length === 0)
    throw new Error(
      text.includes('PRIVATE KEY-----')
        ? 'a private key stands here, and no certificate; were `cert` and `key` exchanged?'
        : 'not a certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----',
    );
  return blocks.map((one, i) => {
    try {
      return new X509Certificate(one);
    } catch {
      throw new Error(`the ${i === 0 ? '' : `${i + 1}. `}certificate in this file cannot be read`);
    }
  });
}

function keyIn(text: string): KeyObject {
  if (/ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text))
    throw new Error(
      'this key has a passphrase, which nobody could enter; write it without: openssl pkey -in OLD -out NEW',
    );
  if (!text.includes('PRIVATE KEY-----'))
    throw new Error(
      text.includes('BEGIN CERTIFICATE-----')
        ? 'a certificate stands here, and no private key; were `cert` and `key` exchanged?'
        : 'not a private key in PEM form, which begins with -----BEGIN PRIVATE KEY-----',
    );
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error('the private key in this file cannot be read');
  }
}

/** When a certificate ceases to hold, in milliseconds since 1970. */
export const expiryOf = (certificate: X509Certificate): number => Date.parse(certificate.validTo);
