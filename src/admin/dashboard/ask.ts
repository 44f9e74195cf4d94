/** What became of a request: its JSON, or why not, in words. */
export type Answer = { ok: true; json: unknown } | { ok: false; words: string };

/** Milliseconds that an answer may take. */
const patience = 10_000;

const away = 'The proxy cannot be reached.';
const late = `No answer within ${patience / 1000} seconds.`;
const signedOut = 'Not signed in any more: reload the page to sign in.';

export const read = (path: string): Promise<Answer> => ask(path, {});

export const post = (path: string, body: object): Promise<Answer> =>
  ask(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

/** The status at this path; undefined where there was no answer. */
export async function standsAt(path: string): Promise<number | undefined> {
  try {
    const response = await fetch(path, { method: 'HEAD', signal: AbortSignal.timeout(patience) });
    return response.status;
  } catch {
    return undefined;
  }
}

async function ask(path: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(path, { ...request, signal: AbortSignal.timeout(patience) });
    if (response.status === 401) return { ok: false, words: signedOut };
    const json: unknown = await response.json();
    return response.ok ? { ok: true, json } : { ok: false, words: wordsOf(json, response.status) };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return { ok: false, words: late };
    return { ok: false, words: error instanceof SyntaxError ? 'The answer cannot be read.' : away };
  }
}

/** What a problem says of itself. */
function wordsOf(problem: unknown, status: number): string {
  const { title, detail } = Object(problem) as Record<string, unknown>;
  const told = [title, detail].filter((text) => typeof text === 'string');
  return told.length === 0 ? `The answer was ${status}.` : `${told.join(': ')}.`;
}
