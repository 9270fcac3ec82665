import { argv, stdout } from 'node:process';
import { handOver } from './hand-over.mjs';
import { USAGE } from './usage.mjs';

if (argv.includes('--help')) stdout.write(`${USAGE}\n`);
else await handOver('start');
