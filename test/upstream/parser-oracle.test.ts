import * as fc from 'fast-check';
import t from 'tap';
import { upstreamScript } from '../fuzz/answers.ts';
import { caseName, torn } from '../fuzz/pieces.ts';
import { readAsNode, readAsOurs, readAsUndici, type Reading } from '../support/answer-readers.ts';
import { startRawUpstream } from '../support/upstream.ts';

let pieces: string[] = [];
const upstream = await startRawUpstream(t, (socket) =>
  socket.once('data', () => {
    socket.setNoDelay(true);
    for (const piece of pieces) socket.write(piece, 'latin1');
    socket.end();
  }),
);

/** Where we refuse, on purpose, what others take. */
const stricter: RegExp[] = [
  // Others know a coding by name alone, or pass what they do not know as it is: RFC 9112 §6.1 and §7.
  /a Transfer-Encoding that is not chunked/,
  /two Transfer-Encodings/,
  // RFC 9112 §6.1: its sender is broken, or somebody in between is.
  /Transfer-Encoding in HTTP\/1\.0/,
  // Others pass over the length of an interim answer; who believes it takes the final one for its body.
  /an informational answer with a body/,
  // Others report any 101, and leave it to their callers.
  /an upgrade that was not asked for/,
  // Others take a status below 100, a control character in the reason, and two blanks before the status.
  /a malformed status line/,
  // Others pass over CR and LF before the status line, and end some lines at a LF alone.
  /a line that does not end in CRLF/,
  // Ours is bounded at 64 KiB; the others were told to take more.
  /too long/,
];

/** Where we take what others refuse: what they say of it, and what it must look like. */
const laxer: { theirs: RegExp; bytes: RegExp }[] = [
  // A length among the trailers frames nothing, and is not passed on.
  {
    theirs: /incomplete|present with Transfer|protocol/,
    bytes: /\r\n0+(;[^\r]*)?\r\n([^\r]*\r\n)*?content-length:/i,
  },
  // What a chunk extension says is nothing to us; it is bounded, and holds no control character.
  { theirs: /incomplete|chunk|protocol|other side closed/, bytes: /\r\n[\da-f]+[\t ]*;[^\r\n]*\r\n/i },
  // Node's parser takes `Connection: close` in an interim answer for the end of the final one.
  { theirs: /Data after|protocol/, bytes: /^(HTTP\/1\.1 1\d\d [^]*?)?connection: close[^]*HTTP\/1\.[01]/i },
  // Blanks around a value may be tabs (RFC 9110 §5.6.3).
  { theirs: /Content-Length|protocol/, bytes: /content-length:[\t ]*\d+ *\t/i },
  // undici takes no 100 that was not asked for; RFC 9110 §15.2 has clients pass over it.
  { theirs: /bad response/, bytes: /HTTP\/1\.1 100 / },
  // An answer that has no body may tell the length it would have had (204 may not, and is not read on from).
  { theirs: /length does not match/, bytes: /HTTP\/1\.[01] (204|304) [^]*content-length:/i },
];

const gathered = ({ trailers }: Reading): string[] =>
  trailers
    .flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase()}: ${trailers[i + 1]}`] : []))
    .toSorted();

function compare(name: string, ours: Reading, theirs: Reading, bytes: string): void {
  const [mine, yours] = [ours.refused, theirs.refused];
  if (mine === undefined && yours === undefined) {
    for (const key of ['status', 'headers', 'body', 'trailers'] as const)
      if (JSON.stringify(ours[key]) !== JSON.stringify(theirs[key]))
        throw new Error(`${name} reads other ${key}: ${JSON.stringify([ours[key], theirs[key]])}`);
  } else if (mine === undefined) {
    if (!laxer.some((one) => one.theirs.test(yours ?? '') && one.bytes.test(bytes)))
      throw new Error(`${name} refuses what we take: ${yours}`);
  } else if (yours === undefined && !stricter.some((one) => one.test(mine)))
    throw new Error(`${name} takes what we refuse: ${mine}`);
}

await t.test('Node and undici read the same answers, or what they read otherwise is known', async (t) => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env['FUZZ_RUNS'] ?? 500);
  t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`);
  let read = 0;
  let refused = 0;
  const property = fc.asyncProperty(upstreamScript, async (script) => {
    const bytes = script.bytes.replaceAll(caseName, 'thiscase');
    pieces = torn(bytes, script.splits);
    const ours = readAsOurs(pieces);
    const [node, undici] = await Promise.all([readAsNode(upstream.port), readAsUndici(upstream.port)]);
    compare('Node', ours, node, bytes);
    // It gathers trailers by their names, in lower case.
    compare(
      'undici',
      { ...ours, trailers: gathered(ours) },
      { ...undici, trailers: gathered(undici) },
      bytes,
    );
    if (ours.refused === undefined) read += 1;
    else refused += 1;
  });
  const details = await fc.check(property, { seed, numRuns: runs });
  if (details.failed)
    t.fail(`${String(details.errorInstance)}\n${await fc.asyncDefaultReportMessage(details)}`);
  t.ok(read > runs / 4 && refused > runs / 10, `${read} read, ${refused} refused`);
});
