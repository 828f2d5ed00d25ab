// A user's app in small, which bundlers bundle: puts the package and its scenarios where a test finds them, here and in a worker.

import * as heddle from 'heddle';
import { runScenarios } from '../../support/scenarios.mjs';

globalThis.heddle = heddle;
globalThis.runScenarios = (variant) => runScenarios(heddle, variant);
globalThis.runInWorker = (variant) => {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(variant);
  }).finally(() => worker.terminate());
};
