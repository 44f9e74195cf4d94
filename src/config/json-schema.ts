import { z } from 'zod';
import { schema } from './schema.ts';
import { childOf, isMap } from './values.ts';

/** A node of a JSON Schema (draft 7), as far as we read it. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

const cache = new WeakMap<z.ZodType, JsonSchema>();

/** The JSON Schema of what may stand in a file. */
export function jsonSchemaOf(type: z.ZodType): JsonSchema {
  const known = cache.get(type);
  if (known !== undefined) return known;
  const made: JsonSchema = z.toJSONSchema(type, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
  cache.set(type, made);
  return made;
}

/** The JSON Schema for editors. */
export function publicJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = jsonSchemaOf(schema);
  return { $schema, title: 'trenchcoat', ...rest };
}

/** The same, with `${NAME}` allowed in place of every scalar that it could fill. */
function editorJsonSchema(): Record<string, unknown> {
  return { ...withReferences(publicJsonSchema()), definitions: { reference } };
}

const reference = {
  type: 'string',
  pattern: String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`,
  description: 'Filled in from the environment.',
};

function withReferences(node: Record<string, unknown>): Record<string, unknown> {
  const { title, description, default: fallback, ...rest } = node;
  const fillable =
    'pattern' in rest ||
    'enum' in rest ||
    (typeof rest['type'] === 'string' && /^(integer|number|boolean)$/.test(rest['type']));
  if (fillable)
    return { title, description, default: fallback, anyOf: [rest, { $ref: '#/definitions/reference' }] };
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => {
      if (key === 'propertyNames' || key === 'default') return [key, child];
      if (Array.isArray(child))
        return [key, child.map((item) => (isMap(item) ? withReferences(item) : item))];
      return [key, isMap(child) ? withReferences(child) : child];
    }),
  );
}

/** Every node that describes the value at a path; several where a value may take several shapes. */
export function nodesAt(root: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema[] {
  let nodes = shapes(root, value);
  let inner = value;
  for (const part of path) {
    inner = childOf(inner, part);
    const below = inner;
    nodes = nodes.flatMap((node) => {
      const child =
        typeof part === 'number'
          ? node.items
          : (node.properties?.[String(part)] ?? node.additionalProperties);
      return typeof child === 'object' && !Array.isArray(child) ? shapes(child, below) : [];
    });
  }
  return nodes;
}

/** The keys that a map at a path may have, in the order of the reference. */
export function keysAt(root: JsonSchema, path: readonly PropertyKey[], value: unknown): string[] {
  const keys = nodesAt(root, path, value).flatMap(({ properties = {} }) => Object.keys(properties));
  return [...new Set(keys)];
}

/** The shapes of a union that the value chose by a constant such as `source: local`; all, when it chose none. */
function shapes(node: JsonSchema, value: unknown): JsonSchema[] {
  const branches = (node.anyOf ?? node.oneOf)?.filter((branch) => typeof branch === 'object');
  if (branches === undefined) return [node];
  const all = branches.flatMap((branch) => shapes(branch, value));
  const chosen = all.filter(({ properties = {} }) =>
    Object.entries(properties).some(
      ([key, property]) =>
        typeof property === 'object' &&
        property.const !== undefined &&
        property.const === childOf(value, key),
    ),
  );
  return chosen.length > 0 ? chosen : all;
}

/** The JSON Schema as text, as `trenchcoat schema` prints it. */
export const jsonSchemaText = (): string => `${JSON.stringify(editorJsonSchema(), null, 2)}\n`;
