import { aptHas, aptInstall, aptUpdate, distribution, findProgram, isExecutable, packageManager } from './machine.ts';
import { Problem } from './problem.ts';

const NAMES = ['chromium-headless-shell', 'chromium', 'google-chrome', 'google-chrome-stable', 'chrome'];
const MAC_APP = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The Chromium that the browser tests drive: CHROME_PATH, one on the machine, or Debian's headless shell, installed. */
export async function ensureBrowser(): Promise<string> {
  const given = process.env.CHROME_PATH;
  if (given) {
    if (isExecutable(given)) return given;
    throw new Problem(`CHROME_PATH names ${given}, which is no program.`);
  }
  const found = findBrowser();
  if (found) return found;
  // Ubuntu's package of that name only points to a snap.
  if ((await packageManager()) === 'apt' && distribution() === 'debian') {
    await aptUpdate();
    await aptInstall([(await aptHas('chromium-headless-shell')) ? 'chromium-headless-shell' : 'chromium']);
  }
  const installed = findBrowser();
  if (installed) return installed;
  throw new Problem('The browser tests need Chromium or Chrome: install one, or set CHROME_PATH to its program.');
}

function findBrowser(): string | undefined {
  if (isExecutable(MAC_APP)) return MAC_APP;
  return NAMES.map((name) => findProgram(name)).find(Boolean);
}
