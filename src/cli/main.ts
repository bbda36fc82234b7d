#!/usr/bin/env node
import { keepMemoryPrivate } from './private-memory.js';
import { endOfProgram, program } from './program.js';
import { keepYoungHeapSmall } from './young-heap.js';

keepMemoryPrivate();
keepYoungHeapSmall();
process.on('uncaughtException', endOfProgram);
await program(process.argv.slice(2));
