import { buildSandbox } from './app.ts';
import { readConfig, type SandboxConfig } from './config.ts';

function configOrExit(): SandboxConfig {
  try {
    return readConfig();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

const sandbox = await buildSandbox({ ...configOrExit(), log: true });
await sandbox.listen().catch((error: unknown) => {
  console.error(`The sandbox cannot listen: ${(error as Error).message}`);
  process.exit(1);
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void sandbox.close().then(() => process.exit(0));
  });
}
