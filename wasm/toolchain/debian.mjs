// Debian's package manager: system packages that a job misses, and single packages of a newer suite unpacked privately.
//
// The private way never touches the machine's own package state: it has its own lists, cache and (empty) status file,
// takes the mirror from the machine's own apt configuration, and lets apt verify the suite's signature with the
// keyring that Debian installs. Nothing here knows an address.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capture, run, runStatus, say, StepError, which } from './steps.mjs';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Whether this machine installs software with apt. */
export function hasApt() {
  return which('apt-get') !== undefined && which('dpkg-query') !== undefined;
}

/**
 * Makes sure of tools. A need is {name, anyOf, packages}: it is met if any of the commands is on PATH or any of the files
 * (absolute paths) exists, whoever installed it; what is not met is installed by apt in one go, or named in the error.
 */
export async function ensureTools(needs) {
  const missing = needs.filter((need) => !isMet(need));
  if (missing.length === 0) return;
  const names = missing.map((need) => need.name).join(', ');
  if (!hasApt()) {
    throw new StepError(`This needs ${names}, and there is no apt here to install it with: install it, put it on PATH, and run this again.`);
  }
  await installPackages([...new Set(missing.flatMap((need) => need.packages))]);
  const still = missing.filter((need) => !isMet(need)).map((need) => need.name);
  if (still.length > 0) throw new StepError(`apt installed its packages, but ${still.join(', ')} cannot be found.`);
}

/** Installs (or upgrades) packages of the machine's own suites; as root, or through sudo. */
export async function installPackages(names) {
  const asRoot = process.getuid?.() === 0 ? [] : [which('sudo')];
  if (asRoot.includes(undefined)) {
    throw new StepError(`Debian packages are missing and there is no sudo: as root, run: apt-get install ${names.join(' ')}`);
  }
  say(`installing Debian packages: ${names.join(' ')}`);
  const apt = (...args) => {
    const words = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args];
    // sudo may ask for a password.
    return runStatus(words[0], words.slice(1), { input: asRoot.length ? 'inherit' : 'ignore' });
  };
  const update = listsUpdated ? { code: 0 } : await apt('update');
  listsUpdated = true;
  // A third party's broken repository makes update fail though Debian's own lists came: the install decides.
  if (update.code !== 0) say('apt-get update reported a problem; going on with the lists there are');
  const install = await apt('install', '-y', '--no-install-recommends', ...names);
  if (install.code === 0) return;
  process.stderr.write(`${update.code === 0 ? '' : update.output}${install.output}`);
  throw new StepError(`apt-get could not install ${names.join(' ')}; its own words are above.`);
}

/** The version that apt would install of a package, or undefined. */
export function candidateVersion(name) {
  const candidate = capture('apt-cache', ['policy', name])?.match(/Candidate: (\S+)/)?.[1];
  return candidate === '(none)' ? undefined : candidate;
}

/**
 * Downloads packages of another suite of Debian into `folder`/packages, signatures checked, and gives the files' paths.
 * What an earlier, interrupted run fetched is continued.
 */
export async function fetchPackages(folder, suite, names) {
  const mirror = await debianMirror();
  const packages = path.join(folder, 'packages');
  for (const part of ['lists/partial', 'cache/archives/partial', 'packages']) {
    mkdirSync(path.join(folder, part), { recursive: true });
  }
  const status = path.join(folder, 'status');
  writeFileSync(status, '');
  const sources = path.join(folder, 'sources.list');
  writeFileSync(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const settings = [
    ['Dir::State::Lists', path.join(folder, 'lists')],
    ['Dir::State::status', status],
    ['Dir::Cache', path.join(folder, 'cache')],
    ['Dir::Etc::SourceList', sources],
    ['Dir::Etc::SourceParts', '/dev/null'],
    ['Dir::Etc::PreferencesParts', '/dev/null'],
    // As root apt would download as the user _apt, who may not look into this folder.
    ['APT::Sandbox::User', 'root'],
    // This machine's hooks are meant for its own package state.
    ['APT::Update::Post-Invoke-Success', ''],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '3'],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`]);

  if ((await runStatus('apt-get', [...settings, 'update', '-q'])).code !== 0 && candidateVersion('debian-archive-keyring')) {
    // An early Debian 12 lacks the newer suite's key; its updates bring it.
    await installPackages(['debian-archive-keyring']);
  }
  await run('apt-get', [...settings, 'update', '-q'], {
    why: `Debian's suite ${suite} could not be read from this machine's mirror`,
  });
  await run('apt-get', [...settings, 'download', '-q', ...names], {
    cwd: packages,
    why: `Debian's packages ${names.join(', ')} (${suite}) could not be downloaded; run this again to continue`,
  });
  // The names on disk carry the version. apt tells them only of files that it does not see, so not in that folder.
  const fetched = capture('apt-get', [...settings, 'download', '--print-uris', ...names], { cwd: folder }) ?? '';
  const files = [...fetched.matchAll(/^'[^']*' (\S+\.deb) /gm)].map(([, file]) => path.join(packages, file));
  if (files.length !== names.length || !files.every((file) => existsSync(file))) {
    throw new StepError(`apt did not leave every package in ${packages}: remove that folder and run this again.`);
  }
  return files;
}

/** Whether one of the need's commands or files is there. */
export function isMet({ anyOf }) {
  return anyOf.some((each) => (path.isAbsolute(each) ? existsSync(each) : which(each) !== undefined));
}

let listsUpdated = false;

// apt itself is asked, because the configuration has two syntaxes and many files. It knows a source's names only after
// the lists were fetched, and images are often shipped without them.
async function debianMirror() {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(CODENAME)|$(RELEASE)|$(REPO_URI)';
  const read = () => {
    const rows = (capture('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']) ?? '').split('\n');
    const own = rows.map((row) => row.split('|')).find(([origin, label, component, codename]) =>
      origin === 'Debian' && label === 'Debian' && component === 'main' && !codename.includes('-'));
    return own?.[5];
  };
  let mirror = read();
  if (!mirror) {
    await installPackages(['debian-archive-keyring']);
    mirror = read();
  }
  if (mirror) return mirror;
  throw new StepError('No mirror of Debian was found in the configuration of apt: install Emscripten 3.1.69 or newer (emsdk) and put emcc on PATH.');
}
