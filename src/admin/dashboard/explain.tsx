import { useState } from 'preact/hooks';
import type { Explained as Told, FlagStanding } from '../snapshot.ts';
import { post } from './ask.ts';
import { Explained } from './explained.tsx';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Asks what a request would get, and why. */
export function Explain({ flags }: { flags: readonly FlagStanding[] }) {
  const [asking, setAsking] = useState(false);
  const [told, setTold] = useState<Told>();
  const [wrong, setWrong] = useState('');

  async function explain(form: FormData): Promise<void> {
    const request = requestIn(form);
    setWrong('');
    if (typeof request === 'string') {
      setTold(undefined);
      setWrong(request);
      return;
    }
    setAsking(true);
    const answer = await post('api/explain', request);
    setAsking(false);
    setTold(answer.ok ? (answer.json as Told) : undefined);
    if (!answer.ok) setWrong(answer.words);
  }

  return (
    <section class="card explain" aria-labelledby="explain-heading">
      <h2 id="explain-heading">Explain a request</h2>
      <form
        aria-describedby="explain-wrong"
        onSubmit={(event) => {
          event.preventDefault();
          if (!asking) void explain(new FormData(event.currentTarget));
        }}
      >
        <div class="line">
          <label class="field method">
            <span>Method</span>
            <select name="method">
              {methods.map((method) => (
                <option key={method}>{method}</option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Path</span>
            <input name="path" defaultValue="/" autocomplete="off" spellcheck={false} required />
          </label>
        </div>
        <label class="field">
          <span>Host</span>
          <input name="host" defaultValue="localhost" autocomplete="off" spellcheck={false} />
        </label>
        <label class="field">
          <span>
            Cookies <span class="quiet">such as uid=7; theme=dark</span>
          </span>
          <input name="cookies" autocomplete="off" spellcheck={false} />
        </label>
        <label class="field">
          <span>
            Headers <span class="quiet">one on each line, Name: value</span>
          </span>
          <textarea name="headers" rows={2} autocomplete="off" spellcheck={false} />
        </label>
        <button type="submit" aria-disabled={asking}>
          {asking ? 'Asking…' : 'Explain'}
        </button>
        <p class="answer" id="explain-wrong" role="alert" data-tone="bad">
          {wrong}
        </p>
      </form>
      <div role="status">{told !== undefined && <Explained told={told} flags={flags} />}</div>
    </section>
  );
}

/** What is in the form, or what is wrong with it. */
function requestIn(form: FormData): object | string {
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === 'string' ? value.trim() : '';
  };
  if (!/^\/\S*$/.test(text('path'))) return 'A path begins with / and has no blanks.';
  const headers: Record<string, string> = {};
  for (const line of text('headers').split('\n')) {
    if (line.trim() === '') continue;
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line.trim()) ?? [];
    if (name === undefined || value === undefined) return `“${line.trim()}” is no header: write Name: value.`;
    headers[name.toLowerCase()] = value;
  }
  const cookies = text('cookies');
  if (cookies !== '') headers['cookie'] = cookies;
  return { method: text('method'), path: text('path'), host: text('host'), headers };
}
