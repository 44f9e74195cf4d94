import { createHmac } from 'node:crypto';
import { hostname } from 'node:os';
import { printable } from '../config/errors.ts';
import { doneText, inWords, type Regression } from '../telemetry/regression.ts';

/**
 * What a webhook gets: an event of Standard Webhooks, whose `text` is all that chats such as Slack look at. `timestamp`
 * is when it happened, however late it arrives.
 */
export function messageOf(regression: Regression): string {
  const { route, flag } = regression;
  const at = new Date(regression.at).toISOString();
  const text = `trenchcoat on ${hostname()}, route ${route} (flag ${flag}): ${inWords(regression)}; ${doneText(regression, regression.control.version)}.`;
  return JSON.stringify({
    text: printable(text),
    type: 'trenchcoat.regression',
    timestamp: at,
    data: { ...regression, at },
  });
}

/** The key that a secret stands for: base64 after `whsec_`, else its own bytes. */
export function signingKey(secret: string): Buffer {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
}

/** The headers of Standard Webhooks for one try: `now` is its time, in milliseconds since 1970. */
export function signedHeaders(
  { id, body }: { id: string; body: string },
  now: number,
  key: Buffer | undefined,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (key === undefined) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
