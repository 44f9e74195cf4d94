import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { UserError } from '../../src/config/errors.ts';
import { authority } from '../support/authority.ts';
import { until } from '../support/client.ts';
import { meet, openTlsDoor, type OpenDoor } from '../support/tls-door.ts';

const { issue, cert: ca } = authority();

/** A folder with a certificate for each name, and how to write another in the place of one. */
function certificates(t: Test, names: string[]) {
  const folder = t.testdir({});
  const pathsOf = (name: string) => ({ cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) });
  const write = (name: string, names: string[], part: 'cert' | 'key' | 'both' = 'both') => {
    const issued = issue({ names });
    if (part !== 'key') writeFileSync(pathsOf(name).cert, issued.cert);
    if (part !== 'cert') writeFileSync(pathsOf(name).key, issued.key);
    return issued;
  };
  for (const name of names) write(name, [name]);
  return { folder, pathsOf, write };
}

const shownTo = async (t: Test, door: OpenDoor, servername?: string) =>
  (await meet(t, door.port, servername === undefined ? {} : { servername })).shown;

await t.test(
  'a client is shown the first certificate that is made out to the name it asks for',
  async (t) => {
    const { pathsOf, write } = certificates(t, ['first.example', 'second.example']);
    write('wild', ['*.second.example', 'third.example', 'second.example']);
    const more = [pathsOf('second.example'), pathsOf('wild')];
    const door = await openTlsDoor(t, { ...pathsOf('first.example'), more });
    const table: [string | undefined, string][] = [
      ['first.example', 'first.example'],
      ['second.example', 'second.example'],
      ['SECOND.example', 'second.example'],
      ['a.second.example', '*.second.example'],
      ['third.example', '*.second.example'],
      ['a.b.second.example', 'first.example'],
      ['unknown.example', 'first.example'],
      [undefined, 'first.example'],
    ];
    for (const [asked, shown] of table) t.equal(await shownTo(t, door, asked), shown, asked ?? 'no name');
  },
);

await t.test('files that are written anew are taken, and connections stay', async (t) => {
  const { pathsOf, write } = certificates(t, ['before']);
  const door = await openTlsDoor(t, pathsOf('before'));
  const { shown, socket, session } = await meet(t, door.port);
  t.equal(shown, 'before');
  write('before', ['after']);
  await until(async () => (await shownTo(t, door)) === 'after', 'the other certificate');
  t.equal(await shownTo(t, door, 'any.example'), 'after');
  t.same(door.logged, ['the certificates were renewed']);
  socket.write('still here');
  await until(() => socket.bytesRead > 0, 'an echo');
  t.match(await meet(t, door.port, { session: await session }), { shown: 'after', said: { resumed: false } });
});

// As Kubernetes mounts secrets: a symlink to a folder is put in the place of another.
await t.test('a folder that is exchanged is seen', async (t) => {
  const folder = t.testdir({});
  const put = (name: string) => {
    mkdirSync(join(folder, name));
    const { cert, key } = issue({ names: [name] });
    writeFileSync(join(folder, name, 'tls.crt'), cert);
    writeFileSync(join(folder, name, 'tls.key'), key);
    symlinkSync(name, join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'data'));
  };
  put('one');
  const door = await openTlsDoor(t, {
    cert: join(folder, 'data/tls.crt'),
    key: join(folder, 'data/tls.key'),
  });
  t.equal(await shownTo(t, door), 'one');
  put('two');
  await until(async () => (await shownTo(t, door)) === 'two', 'the other certificate');
});

await t.test('what does not fit together is not taken, is told of once, and heals', async (t) => {
  const { pathsOf, write } = certificates(t, ['first', 'second']);
  const door = await openTlsDoor(t, { ...pathsOf('first'), more: [pathsOf('second')] });
  const next = write('first', ['first renewed'], 'cert');
  write('second', ['second']);
  const message = `the certificates were changed and are not taken; those before are shown: ${pathsOf('first').key}: this is the key of another certificate; \`cert\` and \`key\` have to be made for each other`;
  await until(() => door.logged.length > 0, 'a word of it');
  t.equal(await shownTo(t, door), 'first');
  writeFileSync(pathsOf('first').key, 'no key');
  await until(() => door.logged.length > 1, 'another word of it');
  t.match(door.logged, [message, /not a private key in PEM form/]);
  t.equal(await shownTo(t, door), 'first');

  writeFileSync(pathsOf('first').key, next.key);
  await until(async () => (await shownTo(t, door)) === 'first renewed', 'the renewed one');
  t.equal(door.logged.at(-1), 'the certificates were renewed');
});

await t.test('until when each holds can be told, and that one has expired is', async (t) => {
  const { pathsOf } = certificates(t, ['good']);
  const expired = issue({ names: ['old'], expired: true });
  writeFileSync(pathsOf('old').cert, expired.cert);
  writeFileSync(pathsOf('old').key, expired.key);
  const door = await openTlsDoor(t, { ...pathsOf('good'), more: [pathsOf('old')] });
  const days = door.certificates
    .expiries()
    .map(({ file, expiresAt }) => [file, Math.round((expiresAt - Date.now()) / 86_400_000)]);
  t.same(days, [
    [pathsOf('good').cert, 30],
    [pathsOf('old').cert, -1],
  ]);
  t.same(door.logged, ['a certificate has expired']);
  t.equal(await shownTo(t, door, 'old'), 'old', 'it is shown all the same');
});

await t.test('what cannot be used at the start is the user’s mistake', async (t) => {
  const { folder, pathsOf } = certificates(t, ['good', 'other']);
  writeFileSync(join(folder, 'ca.pem'), ca);
  const nowhere = join(folder, 'nowhere');
  const table: [Parameters<typeof openTlsDoor>[1], string][] = [
    [{ ...pathsOf('good'), cert: nowhere }, `${nowhere}: no such file`],
    [{ ...pathsOf('good'), key: pathsOf('other').key }, 'this is the key of another certificate'],
    [{ ...pathsOf('good'), clientCa: pathsOf('good').key }, 'a private key stands here'],
    [{ ...pathsOf('good'), more: [{ ...pathsOf('other'), key: folder }] }, 'a folder, not a file'],
  ];
  for (const [listen, message] of table) {
    const error = await openTlsDoor(t, listen).then(
      () => undefined,
      (error: unknown) => error,
    );
    t.ok(error instanceof UserError, message);
    t.match(error, { message: new RegExp(message.replaceAll(/[().]/g, '.')) });
  }
});
