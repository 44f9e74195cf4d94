#!/usr/bin/env node
import { main } from '../src/cli/program.ts';

const code = await main(process.argv);
process.exitCode = code;
// Normally nothing is left and the process ends by itself. Whatever is stuck must not keep it.
setTimeout(() => process.exit(code), 200).unref();
