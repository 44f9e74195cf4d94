import { publicJsonSchema } from './json-schema.ts';
import { isMap } from './values.ts';

/** A node of the JSON Schema. */
type Node = Record<PropertyKey, unknown>;

const intro = `# Configuration

One YAML file. \`trenchcoat check -c FILE\` finds every mistake in it; \`trenchcoat init\` writes a commented first one,
which is [trenchcoat.yaml](trenchcoat.yaml) here. This page is generated from the schema by \`npm run generate\`.

**The file.** \`-c FILE\`, else \`$TRENCHCOAT_CONFIG\`, else \`./trenchcoat.yaml\`. YAML 1.2, one document, 1 MiB at the most.
Unknown and repeated keys are errors; merge keys (\`<<\`) and tags of your own are not read.

**Environment.** A scalar value may hold \`\${NAME}\` or \`\${NAME:-default}\`; the default also takes the place of an empty
variable. It is replaced after YAML is parsed, so that no value can change the structure; keys are never replaced. Where a
number or a boolean is wanted, \`\${NAME}\` may be one. \`$\${NAME}\` stands for a literal \`\${NAME}\`. Inside \`{ }\` and \`[ ]\`
quote it: \`{ url: "\${API}" }\`. A variable that is not set and has no default is an error. Errors name the variable and
never show its value.

**Durations** are \`250ms\`, \`30s\`, \`5m\`, \`12h\`, \`30d\`. **Sizes** are \`512B\`, \`16KiB\`, \`8MiB\`, \`1GiB\`.
The type of a key says its bounds.

**Relative paths** start at the folder of the file that names them.

**A source** is one place of a request where a value can stand: exactly one of \`cookie\`, \`header\`, \`query\` and \`jwt\`,
and \`hash\` beside it. A usable value is 1 to 256 bytes of visible characters after decoding; another is passed over.

**Editors** check the file as you type when its first line is
\`# yaml-language-server: $schema=./trenchcoat.schema.json\`; \`trenchcoat schema\` prints that schema.

**Exit codes** of the program: 0 fine; 1 a mistake of yours, told without a stack; 2 a fault of ours or of the
environment, such as a port taken.
`;

/** The reference page: every supported key with its type, its default and what it means. */
export function reference(): string {
  const root = publicJsonSchema();
  const required = listOf(root['required']);
  const sections = childrenOf(root).map(([key, node]) => section(key, node, required.includes(key)));
  return [intro, ...sections].join('\n');
}

type Row = { path: string; type: string; fallback: string; description: string };

function section(key: string, node: Node, required: boolean): string {
  const parts = [
    `## ${key}\n`,
    `${textOf(node['description'])}\n`,
    `Type: ${typeText(node)}. ${defaultText(node, required)}\n`,
  ];
  const choices = mapsOf(node);
  for (const choice of choices) {
    if (choices.length > 1) parts.push(`With ${chosenBy(choice)}:\n`);
    parts.push(table(rowsBelow(choice, key)));
  }
  const inner = innerOf(node, key);
  if (choices.length === 0 && inner !== undefined) parts.push(table(rowsBelow(inner.node, inner.path)));
  return parts.filter((part) => part !== '').join('\n');
}

/** One row a key below a map, lists and maps within it included. */
function rowsBelow(map: Node, path: string): Row[] {
  const required = listOf(map['required']);
  return childrenOf(map).flatMap(([key, node]) => rowsOf(node, `${path}.${key}`, required.includes(key)));
}

function rowsOf(node: Node, path: string, required: boolean): Row[] {
  const description = textOf(node['description']);
  const row = { path, type: typeText(node), fallback: defaultCell(node, required), description };
  const inner = innerOf(node, path) ?? { node, path };
  // A source is told once, under the first key that takes one.
  const told = inner.node['title'] === 'a source' && !path.endsWith('.key');
  return [row, ...(told ? [] : mapsOf(inner.node).flatMap((map) => rowsBelow(map, inner.path)))];
}

/** What a list or a map by name holds, with the path of one such entry. */
function innerOf(node: Node, path: string): { node: Node; path: string } | undefined {
  if (isMap(node['items'])) return { node: node['items'], path: `${path}[]` };
  if (!isMap(node['additionalProperties'])) return undefined;
  const name = isMap(node['propertyNames']) ? (node['propertyNames']['title'] ?? 'value') : 'value';
  return {
    node: node['additionalProperties'],
    path: `${path}.${textOf(name).replace(/^.* /, '').toUpperCase()}`,
  };
}

const choicesOf = (node: Node): Node[] => [node['anyOf'], node['oneOf']].flatMap(listOf).filter(isMap);

/** The maps with known keys that may stand here. */
const mapsOf = (node: Node): Node[] =>
  [node, ...choicesOf(node)].filter((choice) => isMap(choice['properties']));

const plural = (type: string) => (/^[a-z ]*(map|source|name)$/.test(type) ? `${type}s` : type);

function chosenBy(map: Node): string {
  const constants = childrenOf(map).filter(([, node]) => 'const' in node);
  return constants.map(([key, node]) => `\`${key}: ${String(node['const'])}\``).join(', ');
}

function typeText(node: Node): string {
  const choices = choicesOf(node);
  if (choices.length > 0 && typeof node['title'] === 'string')
    return node['title'].replace(/^(a|an|the) /, '');
  if (choices.length > 0) return [...new Set(choices.map(typeText))].join(' or ');
  if ('const' in node) return `\`${String(node['const'])}\``;
  if (Array.isArray(node['enum'])) return node['enum'].map((value) => `\`${String(value)}\``).join(', ');
  switch (node['type']) {
    case 'boolean':
      return '`true` or `false`';
    case 'integer':
      return `whole number, ${String(node['minimum'])} to ${String(node['maximum'])}`;
    case 'array':
      return `list of ${isMap(node['items']) ? plural(typeText(node['items'])) : 'values'}`;
    case 'object':
      if (node['title'] === 'a source') return 'source';
      return isMap(node['additionalProperties'])
        ? `map of ${plural(typeText(node['additionalProperties']))}`
        : 'map';
    default:
      return (textOf(node['title']) || textOf(node['type'])).replace(/^(a|an|the) /, '');
  }
}

function defaultCell(node: Node, required: boolean): string {
  if (required) return 'required';
  return 'default' in node ? `\`${yamlText(node['default'])}\`` : '–';
}

function defaultText(node: Node, required: boolean): string {
  if (required) return 'Required.';
  return 'default' in node ? `Default: \`${yamlText(node['default'])}\`.` : 'No default.';
}

/** A default as one would write it on a line of YAML. */
function yamlText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlText).join(', ')}]`;
  if (!isMap(value)) return String(value);
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${yamlText(inner)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

const cell = (text: string) => text.replaceAll('|', String.raw`\|`);

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(({ path, type, fallback, description }) =>
    [`\`${path}\``, type, fallback, description].map(cell).join(' | '),
  );
  return [
    '| key | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...lines.map((line) => `| ${line} |`),
    '',
  ].join('\n');
}

const childrenOf = (node: Node): [string, Node][] =>
  Object.entries(isMap(node['properties']) ? node['properties'] : {}).filter(
    (entry): entry is [string, Node] => isMap(entry[1]),
  );

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
