import { METHODS } from 'node:http';
import { z } from 'zod';
import type { Explained } from './snapshot.ts';
import {
  objectIn,
  onlyAllowed,
  quotedHere,
  unusable,
  type ApiAnswer,
  type ApiRequest,
} from './api-answer.ts';

/** A request that is asked about; its answer names nobody. A sentence where it would go nowhere. */
export type Explain = (question: Question) => Promise<Explained | string>;

export type Question = { method: string; path: string; headers: Record<string, string> };

/** A header as Node hands it over: without the blanks around it, each byte of UTF-8 a character. */
const asReceived = (value: string) => Buffer.from(value.replace(/^ +|(?<! ) +$/g, '')).toString('latin1');

/** What may stand in a request head, and no more of it than a proxy takes. */
const question = z.strictObject({
  method: z.enum(METHODS).exclude(['CONNECT']).prefault('GET'),
  path: z.string().regex(/^[\x21-\x7e]{1,2048}$/),
  host: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .prefault('localhost'),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~\w-]{1,64}$/),
      z
        .string()
        .max(4096)
        .regex(/^[^\p{Cc}\p{Cs}]*$/u)
        .transform(asReceived),
    )
    .prefault({}),
});

const wanted = '{ "path": "/…", "method", "host", "headers": { "Name": "value" } }';

/** `POST /api/explain`, so that cookies that are asked about stand in no address. */
export async function answerExplain(request: ApiRequest, explain: Explain): Promise<ApiAnswer> {
  if (request.method !== 'POST') return onlyAllowed('POST');
  const read = objectIn(await request.body(), wanted);
  if (!('object' in read)) return read;
  const { success, data, error } = question.safeParse(read.object);
  if (!success) return unusable(`${wrongIn(error)}; send ${wanted}`);
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(data.headers)) {
    const lower = name.toLowerCase();
    if (lower in headers) return unusable(`the header ${quotedHere(name)} is there twice; send ${wanted}`);
    headers[lower] = value;
  }
  headers['host'] ??= data.host;
  const explained = await explain({ method: data.method, path: data.path, headers });
  return typeof explained === 'string' ? unusable(explained) : { status: 200, json: explained };
}

function wrongIn({ issues: [issue] }: z.ZodError): string {
  if (issue?.code === 'unrecognized_keys') return `unknown key ${quotedHere(issue.keys[0] ?? '')}`;
  return `${quotedHere(issue?.path.join('.') ?? '')} cannot stand in a request`;
}
