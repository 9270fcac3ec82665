// Runs as `prepare`: pnpm falls back to the machine's own Node without a word when the pinned one could not be linked.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(`Potentia runs on Node 24; this is ${process.version}. Install with: npx -y pnpm@10.34.8 install`);
  process.exit(1);
}
