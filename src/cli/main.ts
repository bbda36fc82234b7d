#!/usr/bin/env node
import { hideBin } from 'yargs/helpers';
import { writeNoReports } from './no-reports.js';
import { endOfProgram, program } from './program.js';

writeNoReports();
process.on('uncaughtException', endOfProgram);
await program(hideBin(process.argv));
