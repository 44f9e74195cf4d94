import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateKey } from 'node:crypto';
import t from 'tap';
import { authority, signedByItself } from '../support/authority.ts';
import { runHere } from '../support/command.ts';

const { cert: ca, issue } = authority();
const own = issue();
const folder = t.testdir({
  'own.pem': own.cert,
  'own.key': own.key,
  'chain.pem': own.cert + ca,
  'turned.pem': ca + own.cert,
  'other.key': issue().key,
  'locked.key': createPrivateKey(own.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  }) as string,
  'ca.pem': ca,
  'text.pem': 'not a certificate',
  'broken.pem': own.cert.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA'),
  'broken.key': own.key.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA'),
});
const expired = issue({ expired: true });
writeFileSync(join(folder, 'expired.pem'), expired.cert);
writeFileSync(join(folder, 'expired.key'), expired.key);

const file = join(folder, 'trenchcoat.yaml');
const write = (listen: string, upstream = '') =>
  writeFileSync(
    file,
    `listen: { address: 127.0.0.1:0, tls: { ${listen} } }
admin: off
upstreams: { v0: { url: https://a, tls: { ${upstream} } } }
routes: [{ name: r, upstream: v0 }]
`,
  );
const check = () => runHere(t, ['check', '-c', file]);
const at = (name: string) => join(folder, name);

await t.test('files that fit are fine, with or without what leads to the authority', async (t) => {
  for (const cert of ['own.pem', 'chain.pem']) {
    write(`cert: ${cert}, key: own.key, clientCa: ca.pem`, `ca: ca.pem, cert: ${cert}, key: own.key`);
    t.match(await check(), { code: 0, stderr: '' }, cert);
  }
});

await t.test(
  'what is wrong with a file is told with the place that names it, and how to mend it',
  async (t) => {
    const table: [string, string][] = [
      ['cert: none.pem, key: own.key', `1:46 listen.tls.cert: ${at('none.pem')}: no such file`],
      [
        'cert: text.pem, key: own.key',
        `1:46 listen.tls.cert: ${at('text.pem')}: not a certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----`,
      ],
      [
        'cert: broken.pem, key: own.key',
        `1:46 listen.tls.cert: ${at('broken.pem')}: the certificate in this file cannot be read`,
      ],
      [
        'cert: own.pem, key: other.key',
        `1:60 listen.tls.key: ${at('other.key')}: this is the key of another certificate; \`cert\` and \`key\` have to be made for each other`,
      ],
      [
        'cert: turned.pem, key: own.key',
        `1:63 listen.tls.key: ${at('own.key')}: this key belongs to a certificate that has to stand first in its file`,
      ],
      [
        'cert: own.pem, key: locked.key',
        `1:60 listen.tls.key: ${at('locked.key')}: this key has a passphrase, which nobody could enter; write it without: openssl pkey -in OLD -out NEW`,
      ],
      [
        'cert: own.pem, key: broken.key',
        `1:60 listen.tls.key: ${at('broken.key')}: the private key in this file cannot be read`,
      ],
      [
        'cert: own.pem, key: own.pem',
        `1:60 listen.tls.key: ${at('own.pem')}: a certificate stands here, and no private key; were \`cert\` and \`key\` exchanged?`,
      ],
      [
        'cert: own.pem, key: own.key, clientCa: none.pem',
        `1:79 listen.tls.clientCa: ${at('none.pem')}: no such file`,
      ],
      [
        'cert: own.pem, key: own.key, more: [{ cert: own.pem, key: none.key }]',
        `1:98 listen.tls.more[0].key: ${at('none.key')}: no such file`,
      ],
    ];
    for (const [listen, problem] of table) {
      write(listen);
      t.strictSame(await check(), { code: 1, stdout: '', stderr: `${file}:${problem}\n` }, listen);
    }
    write('cert: own.pem, key: own.key', 'ca: own.key');
    t.match(await check(), {
      code: 1,
      stderr: `:3:47 upstreams.v0.tls.ca: ${at('own.key')}: a private key stands here`,
    });
  },
);

await t.test('a certificate that has expired is a note, since the program would start', async (t) => {
  write('cert: expired.pem, key: expired.key');
  t.match(await check(), { code: 0, stdout: `note: ${at('expired.pem')} has expired: `, stderr: '' });
});

await t.test('so is one that signs nothing in the place of an authority', async (t) => {
  write('cert: own.pem, key: own.key, clientCa: own.pem', 'ca: own.pem');
  const { code, stdout } = await check();
  t.equal(code, 0);
  t.equal(stdout.split(`note: ${at('own.pem')} is no authority's certificate`).length, 3, 'of each');
  write('cert: own.pem, key: own.key', 'ca: chain.pem');
  t.notMatch(await check(), { stdout: 'note: ' }, 'where an authority is among them');
  writeFileSync(join(folder, 'itself.pem'), signedByItself().cert);
  write('cert: own.pem, key: own.key', 'ca: itself.pem');
  t.notMatch(await check(), { stdout: 'note: ' }, 'nor of one that has signed itself');
});

await t.test('so is an upstream that nobody verifies', async (t) => {
  write('cert: own.pem, key: own.key', 'verify: false');
  t.match(await check(), { code: 0, stdout: 'note: v0 is not verified (`verify: false`)' });
});

await t.test('a start says the same', async (t) => {
  write('cert: own.pem, key: other.key');
  t.match(await runHere(t, ['run', '-c', file]), {
    code: 1,
    stderr: `:1:60 listen.tls.key: ${at('other.key')}: this is`,
  });
});
