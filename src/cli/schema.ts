import { jsonSchemaText } from '../config/generated-files.ts';

/** Prints the JSON Schema that editors use; the exit code. */
export function printSchema(): number {
  process.stdout.write(jsonSchemaText());
  return 0;
}
