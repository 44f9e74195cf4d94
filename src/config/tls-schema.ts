import { z } from 'zod';
import { mistake, text } from './scalars.ts';

const pemFile = text('the path of a PEM file');

const pair = {
  cert: pemFile.describe('PEM file: the certificate, and after it those that lead to its authority.'),
  key: pemFile.describe('PEM file: its private key, without a passphrase.'),
};

/** What the proxy is to clients, and what it asks of them. */
export const listenTls = z.strictObject({
  ...pair,
  more: z
    .array(z.strictObject(pair))
    .prefault([])
    .describe(
      'Further certificates. A client gets the first that is made out to the name it asks for (SNI); when none is, `cert`.',
    ),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2').describe('The oldest TLS that is spoken.'),
  clientCa: pemFile
    .optional()
    .describe(
      'PEM file of authorities. With it, clients have to present a certificate that one of them has signed.',
    ),
});

/** How an upstream is verified, and what the proxy is to it. */
export const upstreamTls = z
  .strictObject({
    ca: pemFile
      .optional()
      .describe('PEM file of the authorities that are believed, in place of those that Node knows.'),
    cert: pemFile.optional().describe('PEM file: a certificate for the upstream to know the proxy by.'),
    key: pemFile.optional().describe('PEM file: its private key, without a passphrase.'),
    servername: text('a host name')
      .optional()
      .describe("The name that is asked for, and that the certificate must bear, in place of the URL's."),
    verify: z
      .boolean()
      .prefault(true)
      .describe('Whether the certificate is verified. False trusts whoever answers.'),
  })
  .transform((value, ctx) => {
    if ((value.cert === undefined) !== (value.key === undefined))
      mistake(ctx, [value.cert === undefined ? 'key' : 'cert'], '`cert` and `key` go together');
    return value;
  });

export type ListenTls = z.output<typeof listenTls>;
export type UpstreamTls = z.output<typeof upstreamTls>;
