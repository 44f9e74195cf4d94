/**
 * Shows a fact for the current visitor, and asks again and again, for a hundred visitors, who gets which version.
 *
 * The current visitor is whoever the cookie `uid` names, or nobody: then the proxy keeps an anonymous one in mind. The
 * others are asked for by the header `X-User-Id`.
 */

const crowdSize = 100;
const columns = 10;
/** Four lanes that rest 120 ms after each answer: 33 requests a second at the most. */
const lanes = 4;
const restAfterAnswer = 120;
const restAfterFailure = 1000;
const patience = 5000;
const unreachable = 'the proxy cannot be reached';

const element = (id) => document.querySelector(`#${id}`);
const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const label = (version) => `v${version}`;

/**
 * Whom the page knows. `version` is text from X-Api-Version, undefined until there was an answer; `last` is the last one known,
 * in spite of trouble; `turn` counts the questions.
 */
const crowd = Array.from({ length: crowdSize }, (_, index) => ({
  id: `visitor-${index + 1}`,
  cell: undefined,
  turn: 0,
}));
/** How often somebody was seen to move, since the page was opened. */
const moves = { forward: 0, back: 0 };
/** @type {{ id?: string, version?: string, trouble?: string, turn: number }} */
const you = { id: readCookie(), version: undefined, trouble: undefined, turn: 0 };

/**
 * Asks for a fact, and never throws: `{ version, fact, source }`, or `{ version, trouble }` with a sentence.
 * Undefined asks as the current visitor. For the others the cookie stays at home, for it outranks the header.
 */
async function ask(visitor) {
  const asOther = visitor !== undefined;
  let version;
  try {
    const response = await fetch('/fact/', {
      headers: asOther ? { 'X-User-Id': visitor } : {},
      credentials: asOther ? 'omit' : 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    });
    version = response.headers.get('X-Api-Version') ?? undefined;
    if (!response.ok)
      return { version, trouble: `the answer was ${response.status} ${response.statusText}`.trim() };
    const { fact, source } = await response.json();
    if (typeof fact !== 'string') return { version, trouble: 'the answer was no fact' };
    if (version === undefined) return { trouble: 'the answer named no version; is the proxy in front?' };
    return { version, fact, source };
  } catch (error) {
    if (error.name === 'TimeoutError')
      return { version, trouble: `no answer within ${patience / 1000} seconds` };
    if (error instanceof SyntaxError) return { version, trouble: 'the answer was no fact' };
    return { version, trouble: unreachable };
  }
}

function readCookie() {
  const found = document.cookie.match(/(?:^|;\s*)uid=([^;]+)/);
  return found?.[1];
}

/** Becomes another visitor, or with undefined an anonymous one, and asks for a fact as them. */
async function become(id) {
  document.cookie = id === undefined ? 'uid=; path=/; max-age=0' : `uid=${id}; path=/; samesite=lax`;
  you.id = id;
  element('you').textContent = id ?? 'an anonymous visitor';
  element('anonymous').disabled = id === undefined;
  for (const visitor of crowd) {
    visitor.cell.setAttribute('aria-pressed', String(visitor.id === id));
    if (visitor.id === id) moveTo(visitor.cell, false);
  }
  await askForYou();
}

async function askForYou() {
  you.turn += 1;
  const { turn } = you;
  const answer = await ask();
  // A later question overtook this one.
  if (turn === you.turn) showAnswer(answer);
}

/** Keeps the fact shown true while nobody clicks: a new version or the end of a trouble shows by itself. */
async function checkOnYou() {
  const { turn } = you;
  const answer = await ask();
  if (turn !== you.turn) return answer;
  if (answer.version !== you.version || answer.trouble !== you.trouble) showAnswer(answer);
  return answer;
}

function showAnswer({ version, fact, source, trouble }) {
  you.version = version;
  you.trouble = trouble;
  const badge = element('version');
  badge.textContent = version === undefined ? 'nobody' : label(version);
  badge.dataset.version = version ?? '';
  element('fact').textContent = trouble === undefined ? fact : 'No fact this time.';
  element('source').textContent = source ?? '';
  element('source-line').hidden = source === undefined;
  showTrouble();
}

function showTrouble() {
  const other = crowd.find((visitor) => visitor.trouble !== undefined)?.trouble;
  const text =
    ((you.trouble === unreachable || other === unreachable) &&
      'The proxy cannot be reached. Trying again.') ||
    (you.trouble !== undefined && `No fact for you: ${you.trouble}. Trying again.`) ||
    (other !== undefined && `Some visitors get no fact: ${other}. Trying again.`) ||
    '';
  const line = element('trouble');
  // Assigning the same text would make a screen reader say it once more.
  if (line.textContent !== text) line.textContent = text;
  line.hidden = text === '';
}

/** Asks as one of the crowd, and shows what they get, unless a later question overtook this one. */
async function checkOn(visitor) {
  visitor.turn += 1;
  const { turn } = visitor;
  const answer = await ask(visitor.id);
  if (turn === visitor.turn) showVisitor(visitor, answer);
  return answer;
}

function showVisitor(visitor, { version, trouble }) {
  if (visitor.version === version && visitor.trouble === trouble) return;
  const { cell } = visitor;
  const moved = visitor.last !== undefined && version !== undefined && visitor.last !== version;
  if (moved) showMove(version);
  visitor.last = version ?? visitor.last;
  visitor.version = version;
  visitor.trouble = trouble;
  cell.dataset.version = version ?? '';
  cell.classList.toggle('failed', trouble !== undefined);
  cell.textContent = trouble === undefined ? version : '!';
  cell.ariaLabel = `${visitor.id}: ${trouble ?? label(version)}`;
  cell.title = cell.ariaLabel;
  cell.classList.toggle('moved', moved);
  showLegend();
  showTrouble();
}

function showMove(version) {
  const way = version === '1' ? 'forward' : 'back';
  moves[way] += 1;
  element(`moved-${way}`).textContent = String(moves[way]);
}

/** One entry for each version that somebody gets, v0 and v1 always, and the bar with their shares. */
function showLegend() {
  const counts = new Map([
    ['0', 0],
    ['1', 0],
  ]);
  let failed = 0;
  for (const { version, trouble } of crowd) {
    if (trouble !== undefined) failed += 1;
    else if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  const entries = [...counts].map(([version, count]) => ({
    text: label(version),
    mark: version,
    version,
    count,
  }));
  if (failed > 0) entries.push({ text: 'failed', mark: '!', version: '', count: failed });
  element('legend').replaceChildren(...entries.map(legendEntry));
  element('bar').replaceChildren(...entries.map(barPart));
}

function legendEntry({ text, mark, version, count }) {
  const key = document.createElement('span');
  key.className = mark === '!' ? 'key failed' : 'key';
  key.dataset.version = version;
  key.textContent = mark;
  key.ariaHidden = 'true';
  const words = document.createElement('span');
  words.textContent = `${text} ${count}`;
  const entry = document.createElement('li');
  entry.append(key, words);
  return entry;
}

function barPart({ mark, version, count }) {
  const part = document.createElement('span');
  part.dataset.version = version;
  part.classList.toggle('failed', mark === '!');
  part.style.flexGrow = String(count);
  return part;
}

/** Lanes share one cursor, which walks through the crowd and ends each round with the current visitor. */
function watchCrowd() {
  let cursor = 0;
  const lane = async () => {
    for (;;) {
      await untilVisible();
      const visitor = crowd[cursor];
      cursor = (cursor + 1) % (crowdSize + 1);
      const answer = visitor === undefined ? await checkOnYou() : await checkOn(visitor);
      await rest(answer.trouble === undefined ? restAfterAnswer : restAfterFailure);
    }
  };
  for (let count = 0; count < lanes; count += 1) void lane();
}

function untilVisible() {
  if (!document.hidden) return undefined;
  return new Promise((resolve) => {
    document.addEventListener('visibilitychange', function visible() {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', visible);
      resolve();
    });
  });
}

function buildCrowd() {
  for (const visitor of crowd) {
    const cell = document.createElement('button');
    cell.type = 'button';
    cell.className = 'cell';
    cell.id = visitor.id;
    cell.tabIndex = -1;
    cell.textContent = '·';
    cell.ariaLabel = `${visitor.id}: not asked yet`;
    cell.setAttribute('aria-pressed', 'false');
    cell.addEventListener('click', () => void become(visitor.id));
    cell.addEventListener('animationend', () => cell.classList.remove('moved'));
    visitor.cell = cell;
  }
  crowd[0].cell.tabIndex = 0;
  element('crowd').append(...crowd.map(({ cell }) => cell));
  element('crowd').addEventListener('keydown', moveByKey);
}

/** The crowd is one stop for the tab key: one cell can be reached by it, and the arrows choose which. */
function moveTo(cell, focus) {
  for (const visitor of crowd) visitor.cell.tabIndex = visitor.cell === cell ? 0 : -1;
  if (focus) cell.focus();
}

function moveByKey(event) {
  const from = crowd.findIndex(({ cell }) => cell === event.target);
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const ends = { Home: 0, End: crowdSize - 1 };
  const to = ends[event.key] ?? from + (steps[event.key] ?? Number.NaN);
  const target = crowd[to];
  if (from === -1 || event.ctrlKey || event.metaKey || event.altKey || target === undefined) return;
  event.preventDefault();
  moveTo(target.cell, true);
}

function nextVisitor() {
  const now = crowd.findIndex(({ id }) => id === you.id);
  return crowd[(now + 1) % crowdSize].id;
}

buildCrowd();
showLegend();
element('next').addEventListener('click', () => void become(nextVisitor()));
element('again').addEventListener('click', () => void askForYou());
element('anonymous').addEventListener('click', () => void become());
// First the current visitor alone, so that an anonymous one gets a single cookie.
await become(you.id);
watchCrowd();
