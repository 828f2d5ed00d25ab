/** The JavaScript that Emscripten makes beside the module; the build puts it here. */
import type { Factory } from '../engine/module.js';

declare const factory: Factory;
export default factory;
