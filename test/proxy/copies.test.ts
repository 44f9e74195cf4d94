import { createHash } from 'node:crypto';
import http from 'node:http';
import t from 'tap';
import { copyOf, giveBack } from '../../src/proxy/copies.ts';
import { limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('what was given back is used again, and nothing else', async (t) => {
  const piece = Buffer.alloc(64 * 1024, 'a');
  const first = copyOf(piece);
  t.ok(first.equals(piece));
  t.not(copyOf(piece).buffer, first.buffer, 'not while somebody may look at it');
  giveBack(first);
  t.equal(copyOf(piece.subarray(0, 20_000)).buffer, first.buffer);

  // Node keeps small ones in one room, whatever its size.
  const small = copyOf(Buffer.from('small'));
  giveBack(small);
  t.not(copyOf(piece).buffer, small.buffer);
  const large = copyOf(Buffer.alloc(100_000));
  giveBack(large);
  t.not(copyOf(piece).buffer, large.buffer);
});

/** More than the system keeps for a client that does not read. */
const bytes = 16 * 1024 * 1024;
const leaves = (letter: string) => letter === 'b' || letter === 'e';
const bodyOf = (letter: string) => Buffer.alloc(bytes, letter);
const digest = (body: Buffer) => createHash('sha256').update(body).digest('hex');

// A copy that is used again too early would show up in somebody else's answer.
await t.test('many slow clients, some of whom leave, each get their own answer, byte for byte', async (t) => {
  const upstream = await startUpstream(t, (req, res) => res.end(bodyOf(req.url?.at(-1) ?? '')));
  const proxy = await startProxy(t, limited(upstream.url));

  const read = (letter: string) =>
    new Promise<string>((resolve, reject) => {
      const req = http.get({ port: proxy.port, path: `/${letter}`, agent: false }, (res) => {
        const parts: Buffer[] = [];
        let turns = 0;
        res.on('data', (part: Buffer) => {
          parts.push(part);
          turns += 1;
          if (leaves(letter) && turns === 4) {
            req.destroy();
            return resolve('left');
          }
          if (turns > 1 && turns % 64 !== 0) return;
          res.pause();
          setTimeout(() => res.resume(), turns === 1 ? 200 : 5);
        });
        res.on('end', () => resolve(digest(Buffer.concat(parts))));
        res.on('error', (error) => leaves(letter) || reject(error));
      });
      req.on('error', (error) => leaves(letter) || reject(error));
    });

  const letters = Array.from('abcdef');
  const all = await Promise.all(letters.map((letter) => read(letter)));
  t.same(
    all,
    letters.map((letter) => (leaves(letter) ? 'left' : digest(bodyOf(letter)))),
  );
});
