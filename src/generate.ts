import { writeFileSync } from 'node:fs';
import { generatedFiles } from './generated-files.ts';

// `npm run generate`, in the package's folder: writes what is made from the sources. A test fails when it was forgotten.
for (const { path, text } of generatedFiles()) writeFileSync(path, text);
