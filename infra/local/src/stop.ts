import { stdout } from 'node:process';
import { halt } from './halt.ts';
import { isAlive, readState } from './state.ts';

/** `npm run stop`: ends what `npm start` has running; also when it was killed and left its services behind. */
const state = readState();
const alive = state ? await Promise.all([state.supervisor, ...state.processes].map(isAlive)) : [];
if (!state || !alive.includes(true)) {
  stdout.write('Potentia is not running.\n');
} else {
  await halt(state);
  stdout.write('Stopped.\n');
}
