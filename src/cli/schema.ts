import { jsonSchemaText } from '../config/json-schema.ts';

/** Prints the JSON Schema that editors use; the exit code. */
export function printSchema(): number {
  process.stdout.write(jsonSchemaText());
  return 0;
}
