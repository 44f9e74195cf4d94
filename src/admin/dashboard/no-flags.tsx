/** What to do where no route asks a flag. */
export function NoFlags() {
  return (
    <section class="card" aria-labelledby="no-flags">
      <h2 id="no-flags">No route asks a flag</h2>
      <p>
        Every route of this proxy is a plain one: each request goes to the one upstream that its route names,
        so there is no rollout to watch. A route that asks a flag looks like this:
      </p>
      <pre>
        <code>
          {`routes:
  - name: facts
    match: { path: /fact/ }
    flag: raccoon_facts_api
    versions: { 0: v0, 1: v1 }
    default: 0`}
        </code>
      </pre>
    </section>
  );
}
