import { request } from './client.ts';

type Problem = { title: string; status: number; detail?: string };

/** Asks an admin port; the answer with its body read as JSON. Whatever is not a 200 has to be a problem. */
export async function askAdmin(port: number, method: string, path: string, body?: string, headers = {}) {
  const answer = await request(port, path, { method, headers, ...(body !== undefined && { body }) });
  const json = JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as Problem & Record<string, unknown>;
  const isProblem =
    answer.headers['content-type'] === 'application/problem+json' && json.status === answer.status;
  if (answer.status !== 200 && !isProblem) throw new Error(`no problem: ${answer.body}`);
  return { status: answer.status, headers: answer.headers, json };
}
