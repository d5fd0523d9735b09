#!/usr/bin/env node
import { watchOutput } from './closed-output.ts';
import { commandLine } from './command-line.ts';

watchOutput();
process.exitCode = await commandLine(process.argv.slice(2));
