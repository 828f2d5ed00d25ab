// What a build of the WebAssembly needs, and the command that installs it: `npm run setup`.
//
// Everything is checked first and only what is missing is installed, so that a second run does nothing.

import { fileURLToPath } from 'node:url';
import { ensureTools } from './debian.mjs';
import { emscriptenEnvironment } from './emscripten.mjs';
import { main, say } from './steps.mjs';

/** What every preset of CMakePresets.json is built with. */
export const cmakeTools = [
  { name: 'CMake', anyOf: ['cmake'], packages: ['cmake'] },
  { name: 'Ninja', anyOf: ['ninja'], packages: ['ninja-build'] },
];

const buildTools = [
  ...cmakeTools,
  {
    name: 'nlohmann_json',
    // The folders in which wasm/CMakeLists.txt looks.
    anyOf: ['/usr/include', '/usr/local/include', '/opt/homebrew/include'].map((folder) => `${folder}/nlohmann/json.hpp`),
    packages: ['nlohmann-json3-dev'],
  },
];

/** Makes sure of everything that the WebAssembly build needs, and gives emscriptenEnvironment(). */
export async function setUpBuild() {
  await ensureTools(buildTools);
  return emscriptenEnvironment();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { emcc } = await setUpBuild();
    say(`everything a build needs is here; Emscripten is ${emcc}`);
  });
}
