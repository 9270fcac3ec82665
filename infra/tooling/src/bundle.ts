import { build, type Plugin } from 'esbuild';

/*
 * `node ../../infra/tooling/src/bundle.ts`, in an app's folder: makes dist/main.js of src/main.ts and of what it uses of
 * our own packages. Libraries stay outside: the image installs them from the lockfile.
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

try {
  await build({
    entryPoints: ['src/main.ts'],
    outfile: 'dist/main.js',
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: true,
    plugins: [libraries_outside],
    logLevel: 'warning',
  });
} catch {
  // esbuild has printed what is wrong.
  process.exitCode = 1;
}
