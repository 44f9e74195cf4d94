import { editorJsonSchema } from './json-schema.ts';
import { reference } from './reference.ts';

/** The JSON Schema as text, as `trenchcoat schema` prints it. */
export const jsonSchemaText = (): string => `${JSON.stringify(editorJsonSchema(), null, 2)}\n`;

/** Every file of the repository that is made from the schema: its path from the package's folder, and its text. */
export function generatedFiles(): { path: string; text: string }[] {
  return [
    { path: 'config/trenchcoat.schema.json', text: jsonSchemaText() },
    { path: 'config/README.md', text: reference() },
  ];
}
