import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { readDocument } from '../config/document.ts';
import type { Problem } from '../config/errors.ts';
import { readTextFile } from '../config/text-file.ts';
import { validate } from '../config/validate.ts';
import { crossCheck } from './flag-references.ts';
import { flag, segment } from './flag-schema.ts';

/**
 * Reads LaunchDarkly flag data from a JSON or YAML file. Never rejects: without `data`, `problems` says why, and
 * `read` whether it was for what the file holds, which no second look will find otherwise.
 *
 * `flagValues` become flags with one variation. A flag without `version` has 1; one without `salt` has its own key,
 * so that everyone stays in the same bucket from one run to the next.
 */
export async function readFlagFile(
  file: string,
): Promise<{ data: FlagSet | undefined; problems: Problem[]; read: boolean }> {
  // To open a pipe would wait for a writer.
  const plain = await stat(file).then(
    (found) => found.isFile(),
    () => true,
  );
  if (!plain) {
    const problem = { file, line: 1, column: 1, path: '', message: 'a folder or a device, not a file' };
    return { data: undefined, problems: [problem], read: false };
  }
  const { text, problems: unread, read } = await readTextFile(file);
  if (text === undefined) return { data: undefined, problems: unread, read };
  const { document, problems } = readDocument(text, file);
  if (document === undefined) return { data: undefined, problems, read };
  const checked = validate(flagFile, document);
  const all = [...problems, ...checked.problems];
  return { data: all.length === 0 ? checked.value : undefined, problems: all, read };
}

const flagFile = z
  .strictObject({
    $schema: z.string().optional(),
    flags: z.record(z.string(), flag).optional(),
    flagValues: z.record(z.string(), z.unknown()).optional(),
    segments: z.record(z.string(), segment).optional(),
  })
  .refine(({ flags, flagValues }) => flags !== undefined || flagValues !== undefined, {
    error: '`flags` or `flagValues`',
  })
  .superRefine(crossCheck)
  .transform(({ flags = {}, flagValues = {}, segments = {} }) => ({
    flags: {
      ...mapEntries(flags, named),
      ...mapEntries(flagValues, (key, value) => ({
        ...named(key, {}),
        on: true,
        variations: [value],
        fallthrough: { variation: 0 },
      })),
    },
    segments: mapEntries(segments, (key, { included, excluded, rules, ...rest }) => ({
      ...named(key, rest),
      included: included ?? [],
      excluded: excluded ?? [],
      rules: rules ?? [],
    })),
  }));

/** Flag data as the SDK takes it: every flag and segment has its key, version and salt. */
export type FlagSet = z.output<typeof flagFile>;

function named<Entry extends { version?: number | null | undefined; salt?: string | null | undefined }>(
  key: string,
  entry: Entry,
) {
  return { ...entry, key, version: entry.version ?? 1, salt: entry.salt ?? key };
}

function mapEntries<From, To>(
  entries: Record<string, From>,
  to: (key: string, entry: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, to(key, entry)]));
}
