/**
 * Finding the build of the core that this engine runs, and compiling it once for all runtimes of the process.
 *
 * The .wasm files lie beside this module, and are named by `new URL(..., import.meta.url)`, which bundlers know to follow;
 * a page fetches them, Node reads them. The single-file build brings its own source instead (setSource).
 */

import { hasJspi, type Factory, type LoadedModule } from './engine/module.js';
import { ConfigError, HeddleError } from './errors.js';
import type { Variant } from './variant.js';

interface Build {
  factory: () => Promise<{ default: Factory }>;
  bytes: () => Promise<BufferSource | Response>;
}
export type Source = Partial<Record<Variant, Build>>;

let source: Source = {
  asyncify: {
    factory: () => import('./wasm/heddle-asyncify.js'),
    bytes: () => read(new URL('./wasm/heddle-asyncify.wasm', import.meta.url)),
  },
  jspi: {
    factory: () => import('./wasm/heddle-jspi.js'),
    bytes: () => read(new URL('./wasm/heddle-jspi.wasm', import.meta.url)),
  },
};
const compiled = new Map<Variant, Promise<WebAssembly.Module>>();

/** Says where the builds are, before the first runtime is made. */
export function setSource(other: Source): void {
  source = other;
}

interface NodeProcess {
  versions?: { node?: string };
  getBuiltinModule?: (name: string) => unknown;
}

async function read(url: URL): Promise<BufferSource | Response> {
  if (url.protocol !== 'file:') return fetch(url);
  const { process } = globalThis as { process?: NodeProcess };
  // A specifier that bundlers for the web do not try to resolve.
  const name = 'node:fs/promises';
  const fs = (process?.getBuiltinModule?.(name) ?? (await import(/* @vite-ignore */ /* webpackIgnore: true */ name))) as {
    readFile(url: URL): Promise<Uint8Array<ArrayBuffer>>;
  };
  return fs.readFile(url);
}

function choose(wanted: Variant | 'auto'): Variant {
  const variant = wanted === 'auto' ? (hasJspi() && source.jspi !== undefined ? 'jspi' : 'asyncify') : wanted;
  if (source[variant] === undefined) {
    throw new ConfigError(`variant "${variant}" is not in this build of heddle; it has ${Object.keys(source).join(', ')}`, 'variant');
  }
  if (variant === 'jspi' && !hasJspi()) {
    throw new ConfigError('variant "jspi" needs an engine with WebAssembly.Suspending (Node 24 with its flag, Node 25, Chrome 137); use "auto"', 'variant');
  }
  return variant;
}

async function compile(bytes: BufferSource | Response): Promise<WebAssembly.Module> {
  // Not asked the other way round: naming Response makes Node load its whole fetch, 40 ms.
  if (bytes instanceof ArrayBuffer || ArrayBuffer.isView(bytes)) return WebAssembly.compile(bytes);
  if (!bytes.ok) throw new Error(`${bytes.url} answered ${bytes.status}`);
  // Streaming needs the right content type, which simple servers do not send.
  if (bytes.headers.get('content-type') === 'application/wasm') return WebAssembly.compileStreaming(bytes);
  return WebAssembly.compile(await bytes.arrayBuffer());
}

/** Gives the build to run. Throws a ConfigError for a build that cannot run here, a HeddleError for one that cannot be had. */
export async function load(options: {
  variant: Variant | 'auto';
  wasmBinary?: BufferSource | undefined;
  wasmModule?: WebAssembly.Module | undefined;
}): Promise<LoadedModule> {
  let variant = options.variant;
  let module = options.wasmModule;
  try {
    if (module === undefined && options.wasmBinary !== undefined) module = await WebAssembly.compile(options.wasmBinary);
    // Bytes from elsewhere say themselves which build they are.
    if (module !== undefined && variant === 'auto') {
      const unwinds = WebAssembly.Module.exports(module).some(({ name }) => name === 'asyncify_start_unwind');
      variant = unwinds ? 'asyncify' : 'jspi';
    }
    const chosen = choose(variant);
    const build = source[chosen]!;
    if (module === undefined) {
      let pending = compiled.get(chosen);
      if (pending === undefined) {
        pending = build.bytes().then(compile);
        compiled.set(chosen, pending);
        // A failure to fetch may pass.
        pending.catch(() => compiled.delete(chosen));
      }
      module = await pending;
    }
    return { variant: chosen, module, factory: (await build.factory()).default };
  } catch (error) {
    if (error instanceof HeddleError) throw error;
    const { message } = error as Error;
    // Engines word it differently, but all name the policy or the embedder.
    const isForbidden = error instanceof WebAssembly.CompileError && /disallowed|blocked|content security policy/i.test(message);
    const advice = isForbidden ? " (allow 'wasm-unsafe-eval' in the script-src of the page's Content-Security-Policy)" : '';
    throw new HeddleError('LoadError', `createRuntime: the WebAssembly build could not be loaded: ${message}${advice}`, { cause: error });
  }
}
