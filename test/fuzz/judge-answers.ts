import { readAnswer, type AnswerReading, type ReadAnswer } from './answer-reader.ts';
import type { Arrived } from './judge-arrivals.ts';
import { readAsNodeClient } from './node-readers.ts';
import { passedBack, same, sameUnordered, trailingBack, withoutLength } from './policy.ts';
import type { Conversation, ReadRequest } from './request-reader.ts';
import { endingOf, type Arrival, type Observation } from './world.ts';

/** The client sees one well-formed answer for each request, in order, from the one who was asked; or a cut. */
export async function judgeAnswers(meant: Conversation, arrived: Arrived, seen: Observation): Promise<void> {
  const { requests, afterwards } = meant;
  const owed = requests.length + (afterwards === undefined ? 0 : 1);
  // While this holds, the request must be served: nothing about it or before it gives reason not to.
  // What is odd behind it does, for Node's parser may end the connection before the answer is out.
  let must =
    [...requests, ...(afterwards?.request === undefined ? [] : [afterwards.request])].every(
      ({ quirks }) => quirks.size === 0,
    ) &&
    (afterwards === undefined ||
      (afterwards.kind === 'incomplete' && afterwards.request?.framing === 'length'));
  let at = 0;
  let whole = true;
  for (let i = 0; i < owed; i += 1) {
    const request = requests[i] ?? afterwards?.request;
    const asked = { method: request?.method ?? 'GET', tunnel: request?.tunnel ?? false };
    const arrival = arrived.get(i);
    const given = readGiven(arrival, request);
    must &&= i < requests.length && request?.quirks.size === 0;
    const served = must && given !== undefined && given.kind === 'complete' && given.quirks.size === 0;
    const safe = arrival?.script.afterwards !== 'reset' && arrival?.dead !== true;

    const read = (method: string) =>
      readAnswer(seen.received, at, { ...asked, method }, seen.reset ? 'reset' : 'end');
    const heeded = read(asked.method);
    // Of a head that Node's parser refuses nobody knows the method: what is said then is said with a body, and is the last.
    const got = asked.method === 'HEAD' && closesWithProblem(heeded) ? read('GET') : heeded;
    const fail = (what: string) => {
      throw new Error(
        `answer ${i + 1}: ${what}; the client got ${JSON.stringify(seen.received.slice(0, at))} + ${JSON.stringify(seen.received.slice(at))}` +
          (arrival === undefined ? '' : `, the upstream gave ${JSON.stringify(arrival.script.bytes)}`),
      );
    };
    if (got.kind === 'malformed') fail(`malformed, ${got.why}`);
    if (must && arrival === undefined) fail('a good request was not forwarded');
    if (served && safe && (got.kind !== 'complete' || isOwn(got.answer)))
      fail('a good answer was not passed on');
    if (got.quirks.has('a length where none belongs')) fail('a length where none belongs');

    if (got.answer !== undefined && isOwn(got.answer)) judgeOwn(got.answer, fail, must);
    else if (got.answer !== undefined || got.informational.length > 0) {
      if (given === undefined || request === undefined) fail('from nowhere');
      else {
        const why = unlike(given, got, request);
        if (why !== undefined) fail(why);
      }
      if (got.kind === 'complete' && got.answer?.status !== 101) {
        const why = await disagreement(seen.received.slice(at, got.next), got, asked.method);
        if (why !== undefined) fail(why);
      }
    }
    at = got.next;
    whole = got.kind === 'complete';
    if (!whole) break;
    const closes = got.answer?.headers.some(([name, value]) => name === 'Connection' && value === 'close');
    if (closes === true && [...arrived.keys()].some((later) => later > i))
      fail('a further request was forwarded, though the connection was to end');
    // A client that expects 100 (Continue) and gets none is not relied on to have sent its body.
    const expects = request?.headers.some(([name]) => name.toLowerCase() === 'expect') === true;
    must &&=
      request?.last === false && request.minor === 1 && !expects && arrival?.script.start === 'complete';
    // A connection that dies under the next request takes it along.
    must &&= safe;
  }
  if (whole && at < seen.received.length)
    throw new Error(`the client got more than its answers: ${JSON.stringify(seen.received.slice(at))}`);
}

function readGiven(
  arrival: Arrival | undefined,
  request: ReadRequest | undefined,
): AnswerReading | undefined {
  if (arrival === undefined || request === undefined) return undefined;
  const { method, tunnel } = request;
  const { script } = arrival;
  const first = readAnswer(script.bytes, 0, { method, tunnel }, 'end');
  // A tunnel ends when the client does.
  if (first.answer?.status === 101 && script.afterwards === 'keep') return first;
  return readAnswer(script.bytes, 0, { method, tunnel }, endingOf(script, method, tunnel));
}

const closesWithProblem = ({ answer }: AnswerReading): boolean =>
  isOwn(answer) && answer?.headers.every(([name]) => name !== 'Date') === true;

const isOwn = (answer: ReadAnswer | undefined): boolean =>
  answer?.headers.some(([name, value]) => name === 'Content-Type' && value === 'application/problem+json') ===
  true;

function judgeOwn({ status, body }: ReadAnswer, fail: (what: string) => void, must: boolean): void {
  if (status === 500 || status === 503) fail('a fault of the proxy');
  if (must && status < 500) fail('a good request was refused');
  if (body !== '' && !/^\{"type":"urn:problem-type:trenchcoat:[^\n]*\}\n$/.test(body))
    fail('more than a problem');
}

/** What distinguishes the answer that was got from the one that was given. */
function unlike(given: AnswerReading, got: AnswerReading, request: ReadRequest): string | undefined {
  const known = request.minor === 1 ? given.informational.filter(({ status }) => status !== 100) : [];
  const relayed = got.informational.filter(({ status }) => status !== 100);
  if (got.informational.length - relayed.length > 1) return 'two 100s';
  if (relayed.length > known.length || (got.kind === 'complete' && relayed.length < known.length))
    return 'informational answers';
  for (const [i, { status, headers }] of relayed.entries())
    if (status !== known[i]?.status || !same(headers, withoutLength(passedBack(known[i]?.headers ?? []))))
      return `informational answer ${i + 1}`;
  if (got.answer === undefined) return undefined;
  if (given.answer === undefined) return 'an answer that was not given';
  return unlikeAnswers(given.answer, given.kind, got.answer, got.kind, request);
}

function unlikeAnswers(
  given: ReadAnswer,
  givenKind: AnswerReading['kind'],
  got: ReadAnswer,
  kind: AnswerReading['kind'],
  { minor, tunnel }: ReadRequest,
): string | undefined {
  if (got.status !== given.status) return `status ${got.status}`;
  if (got.status === 101) return tunnel && given.body.startsWith(got.body) ? undefined : 'another tunnel';
  if (got.reason !== given.reason) return `reason ${got.reason}`;
  const dated = given.headers.some(([name]) => name.toLowerCase() === 'date');
  const added = dated ? ownFields : [...ownFields, 'Date'];
  const kept = got.headers.filter(([name]) => !added.includes(name));
  const expected = passedBack(given.headers);
  // Where there is never a body, its length is not passed on.
  if (!same(kept, got.status === 204 ? withoutLength(expected) : expected))
    return `headers ${JSON.stringify(kept)}`;
  const complete = kind === 'complete';
  if (complete && givenKind !== 'complete') return `complete, though it was ${givenKind}`;
  if (complete ? got.body !== given.body : !given.body.startsWith(got.body)) return 'another body';
  const trailers = got.framing === 'chunked' ? trailingBack(given.trailers, given.headers) : [];
  if (complete && !sameUnordered(got.trailers, trailers)) return `trailers ${JSON.stringify(got.trailers)}`;
  if (minor === 0 && got.framing === 'chunked') return 'chunks for HTTP/1.0';
  return undefined;
}

/** What Node's server says of the connection. */
const ownFields = ['Connection', 'Keep-Alive', 'Transfer-Encoding'];

async function disagreement(
  text: string,
  { answer }: AnswerReading,
  method: string,
): Promise<string | undefined> {
  const node = await readAsNodeClient(text, method);
  if (node?.status === answer?.status && node?.body === answer?.body) return undefined;
  return `Node reads another answer, ${JSON.stringify(node)}`;
}
