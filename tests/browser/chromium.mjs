// Finds a Chromium for the browser tests: Debian's package, installed where it is missing.
//
// playwright-core drives it; Playwright's own download of a browser is not used.

import { hasApt, installPackages } from '../../wasm/toolchain/debian.mjs';
import { say, StepError, which } from '../../wasm/toolchain/steps.mjs';

const commands = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of a Chromium, or undefined where there is none and none can be installed: the caller says so loudly. */
export async function chromium() {
  const there = find();
  if (there || !hasApt()) return there;
  try {
    await installPackages(['chromium']);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    say(error.message);
  }
  return find();
}

function find() {
  return commands.map((command) => which(command)).find((file) => file !== undefined);
}
