import { exit, stdout } from 'node:process';
import { askReady } from './readiness.ts';
import { renderTable } from './screen.ts';
import { isAlive, readState } from './state.ts';

/** `npm run status`: what runs and whether it is ready. Exit code 1 unless all of it is. */
async function status(): Promise<number> {
  const state = readState();
  if (!state || !(await isAlive(state.supervisor))) {
    stdout.write('Potentia is not running. Start it with: npm start\n');
    return 1;
  }
  const rows = await Promise.all(
    state.endpoints.map(async (endpoint) => {
      const { ready, detail } = await askReady(endpoint);
      const pid = state.processes.find((known) => known.name === endpoint.name)?.pid;
      return [endpoint.name, String(endpoint.port), pid ? String(pid) : '', ready ? 'ready' : 'not ready', detail];
    }),
  );
  stdout.write(`${renderTable(['service', 'port', 'pid', 'state', ''], rows)}\n`);
  if (state.phase !== 'ready') stdout.write('Still starting.\n');
  return state.phase === 'ready' && rows.every(([, , , word]) => word === 'ready') ? 0 : 1;
}

exit(await status());
