import { existsSync } from 'node:fs';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/*
 * `node ../../infra/tooling/src/bundle.ts`, in an app's folder: makes dist/main.js of src/main.ts and of what it uses of
 * our own packages. A file `x.ts` in it that runs `x-worker.ts` in a process of its own gets dist/x-worker.js. Libraries
 * stay outside: the image installs them from the lockfile.
 */

/** Workspace packages are source; every other bare name is left for Node to resolve. */
const libraries_outside: Plugin = {
  name: 'libraries-outside',
  setup(bundler) {
    bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || path.startsWith('@potentia/') ? undefined : { path, external: true },
    );
  },
};

const options = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  metafile: true,
  plugins: [libraries_outside],
  logLevel: 'warning',
} satisfies BuildOptions;

try {
  const { metafile } = await build({ ...options, entryPoints: ['src/main.ts'] });
  const workers = Object.keys(metafile.inputs)
    .map((path) => path.replace(/\.ts$/, '-worker.ts'))
    .filter((path) => path.endsWith('-worker.ts') && existsSync(path));
  await build({ ...options, entryPoints: workers, entryNames: '[name]' });
} catch {
  // esbuild has printed what is wrong.
  process.exitCode = 1;
}
