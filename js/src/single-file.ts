/**
 * The package as one file, for CDNs, notebooks and strict bundlers: the same exports, with the asyncify build (which runs on
 * every engine) embedded as base64. The build bundles this module.
 */

import factory from './wasm/heddle-asyncify.js';
import bytes from './wasm/heddle-asyncify.wasm';
import { setSource } from './load.js';

setSource({ asyncify: { factory: () => Promise.resolve({ default: factory }), bytes: () => Promise.resolve(bytes) } });

export * from './index.js';
