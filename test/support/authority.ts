import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its private key, as PEM. */
export type Issued = { cert: string; key: string };

export type Wish = {
  /** Host names and addresses that it is made out to. */
  names?: string[];
  /** Days from now; by default since yesterday, for a month. */
  from?: number;
  until?: number;
  /** Whether its time is over; the same as dates in the past. */
  expired?: boolean;
};

/** An authority of a test's own: `cert` is what to believe in, and believes in what it issues. */
export type Authority = {
  cert: string;
  issue: (wish?: Wish) => Issued;
};

/** A certificate for 127.0.0.1 that nobody else has signed. */
export function signedByItself(): Issued {
  const keys = newKeys();
  const extensions = [extension('2.5.29.17', sequence(generalName('127.0.0.1')))];
  const issuer = { name: '127.0.0.1', keys };
  return issued(keys, { subject: '127.0.0.1', keys, issuer, from: -1, until: 30, extensions });
}

const issued = ({ privateKey }: Keys, contents: Contents): Issued => ({
  cert: certificate(contents),
  key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
});

/**
 * Founds an authority. Everything is made here, byte by byte (RFC 5280), so that no program is needed and dates can be any. Two
 * authorities of one name are different ones all the same.
 */
export function authority(name = 'Authority of a test'): Authority {
  const keys = newKeys();
  const own = { name, keys };
  const cert = certificate({
    subject: name,
    keys,
    issuer: own,
    from: -30,
    until: 365,
    extensions: [ca, certSign],
  });
  return {
    cert,
    issue({
      names = ['127.0.0.1', 'localhost'],
      expired = false,
      from = expired ? -2 : -1,
      until = expired ? -1 : 30,
    } = {}) {
      const keys = newKeys();
      const extensions = [extension('2.5.29.17', sequence(...names.map(generalName)))];
      return issued(keys, { subject: names[0] ?? 'nobody', keys, issuer: own, from, until, extensions });
    },
  };
}

type Keys = { publicKey: KeyObject; privateKey: KeyObject };
type Issuer = { name: string; keys: Keys };
type Contents = {
  subject: string;
  keys: Keys;
  issuer: Issuer;
  from: number;
  until: number;
  extensions: Buffer[];
};

const newKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function certificate({ subject, keys, issuer, from, until, extensions }: Contents): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const identifiers = [
    extension('2.5.29.14', value(0x04, keyId(keys))),
    extension('2.5.29.35', sequence(value(0x80, keyId(issuer.keys)))),
  ];
  const signed = sequence(
    value(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    commonName(issuer.name),
    sequence(time(from), time(until)),
    commonName(subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    value(0xa3, sequence(...extensions, ...identifiers)),
  );
  const signature = sign('sha256', signed, issuer.keys.privateKey);
  const der = sequence(signed, algorithm, value(0x03, Buffer.of(0), signature));
  const lines = der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** A value in DER: its tag, its length, and what is in it. */
function value(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

const sequence = (...parts: Buffer[]) => value(0x30, ...parts);
const integer = (bytes: Buffer) => value(0x02, bytes);

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const sevens = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) sevens.unshift((left & 0x7f) | 0x80);
    return sevens;
  });
  return value(0x06, Buffer.of(first * 40 + second, ...bytes));
}

const commonName = (name: string) =>
  sequence(value(0x31, sequence(oid('2.5.4.3'), value(0x0c, Buffer.from(name)))));

/** UTCTime, days from now. */
function time(days: number): Buffer {
  const date = new Date(Date.now() + days * 86_400_000).toISOString();
  return value(0x17, Buffer.from(date.slice(2, 19).replaceAll(/[-:T]/g, '') + 'Z'));
}

const extension = (id: string, content: Buffer, critical = false) =>
  sequence(oid(id), ...(critical ? [yes] : []), value(0x04, content));

const yes = value(0x01, Buffer.of(0xff));
const ca = extension('2.5.29.19', sequence(yes), true);
const certSign = extension('2.5.29.15', value(0x03, Buffer.of(2, 0x04)), true);

const keyId = ({ publicKey }: Keys) =>
  createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();

function generalName(name: string): Buffer {
  if (isIP(name) === 4) return value(0x87, Buffer.from(name.split('.').map(Number)));
  if (isIP(name) === 6) return value(0x87, sixteenBytes(name));
  return value(0x82, Buffer.from(name));
}

function sixteenBytes(address: string): Buffer {
  const [before = '', after = ''] = address.split('::');
  const [left, right] = [words(before), words(after)];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return Buffer.from([...left, ...zeros, ...right].flatMap((word) => [word >> 8, word & 0xff]));
}

const words = (text: string): number[] =>
  text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
