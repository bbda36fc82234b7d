#!/usr/bin/env node
import { fitHeapToStreams } from './heap.js';
import { keepMemoryPrivate } from './private-memory.js';
import { endOfProgram, program } from './program.js';

keepMemoryPrivate();
fitHeapToStreams();
process.on('uncaughtException', endOfProgram);
await program(process.argv.slice(2));
