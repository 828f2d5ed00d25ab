// Where downloaded tools live: one folder a user, outside every clone, so that clones share them.
//
// A tool is installed into a folder of its own, whose name carries the version of its recipe. The last thing an
// installation does is to write `ready.json` (atomically, by rename): a folder without it is an interrupted
// installation, and the next run goes on with it. Two runs at once: the second waits for the first.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './steps.mjs';

/** The folder `name` in the user's cache; not created. */
export function cacheFolder(name) {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.resolve(base, 'heddle', name);
}

/** The ready stamp of an installed folder, or undefined where it is absent, damaged or was written for another place. */
export function readyStamp(folder) {
  try {
    const stamp = JSON.parse(readFileSync(path.join(folder, 'ready.json'), 'utf8'));
    // The tools hold absolute paths (interpreters, rpaths): a folder that was moved is not ready any more.
    return stamp.folder === folder ? stamp : undefined;
  } catch {
    return undefined;
  }
}

/** Writes `value` as JSON such that a reader sees the old file or the new one, never half of it. */
export function writeJsonAtomically(file, value) {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(draft, file);
}

/** Gives the stamp of `folder`, running `install(folder)` first unless it is ready; `install` gives what the stamp keeps. */
export async function installOnce(folder, install) {
  const ready = readyStamp(folder);
  if (ready) return ready;
  const unlock = await lock(folder);
  try {
    const meanwhile = readyStamp(folder);
    if (meanwhile) return meanwhile;
    mkdirSync(folder, { recursive: true });
    const stamp = { folder, ...(await install(folder)) };
    writeJsonAtomically(path.join(folder, 'ready.json'), stamp);
    return stamp;
  } finally {
    unlock();
  }
}

/** The SHA-256 of a file, in hex. */
export function sha256(file) {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    createReadStream(file)
      .on('data', (data) => hash.update(data))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
}

// The lock is a folder, because mkdir is atomic everywhere, that names its owner, so that a crashed one is noticed.
async function lock(folder) {
  const lockFolder = `${folder}.lock`;
  const ownerFile = path.join(lockFolder, 'pid');
  mkdirSync(path.dirname(lockFolder), { recursive: true });
  let told = false;
  for (let ownerless = 0; ; ) {
    try {
      mkdirSync(lockFolder);
      writeFileSync(ownerFile, String(process.pid));
      return () => rmSync(lockFolder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = existsSync(ownerFile) ? Number(readFileSync(ownerFile, 'utf8')) : 0;
    // An owner writes its id right after it made the folder; one that has not done so in seconds died in between.
    ownerless = owner === 0 ? ownerless + 1 : 0;
    if (owner === 0 ? ownerless > 10 : !isAlive(owner)) {
      rmSync(lockFolder, { recursive: true, force: true });
      continue;
    }
    if (!told) say(`waiting for another installation of the same tools (process ${owner})`);
    told = true;
    await sleep(500);
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
