/**
 * A page that loads the package without a bundler: as plain ES modules, as they lie in dist/, or as the single file. Its import
 * map, which tells the browser where the package and its dependencies are, is an inline script: the policy names its hash.
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { root } from '../../wasm/toolchain/steps.mjs';
import { openPage } from './browser.mjs';
import { serveStatic, strictPolicy } from './static-server.mjs';

const modules = {
  heddle: '/dist/index.js',
  'eventsource-parser': '/node_modules/eventsource-parser/dist/index.js',
  '@cfworker/json-schema': '/node_modules/@cfworker/json-schema/dist/esm/index.js',
};

/** The builds that pages run; `single-file` has one variant inside. */
export const builds = ['jspi', 'asyncify', 'single-file'];

/** Serves the page until the test ends, and gives its address. The page sets `heddle` and `runScenarios`. */
export async function servePlainPage(t, { policy = strictPolicy, isSingleFile = false } = {}) {
  const importMap = JSON.stringify({ imports: isSingleFile ? { heddle: '/dist/heddle-single-file.js' } : modules });
  const hash = `'sha256-${createHash('sha256').update(importMap).digest('base64')}'`;
  const body = `<!doctype html>
<title>Tests</title>
<script type="importmap">${importMap}</script>
<script type="module" src="/tests/browser/app/main.mjs"></script>`;
  const routes = {
    '/': { type: 'text/html', body },
    '/favicon.ico': { type: 'image/x-icon', body: '' },
    '/dist/': { folder: path.join(root, 'dist') },
    '/tests/': { folder: path.join(root, 'tests') },
    '/node_modules/': { folder: path.join(root, 'node_modules') },
  };
  return serveStatic(t, routes, { policy: policy.replace("script-src 'self'", `script-src 'self' ${hash}`) });
}

/**
 * Opens such a page under the strict policy, which lets it ask servers of this machine. In it `open(config)` makes a runtime of
 * the build; `config.provider` may be [name, options] of one.
 */
export async function openModelPage(t, build, options) {
  const policy = `${strictPolicy}; connect-src 'self' http://127.0.0.1:*`;
  const page = await openPage(t, await servePlainPage(t, { policy, isSingleFile: build === 'single-file' }), options);
  await page.evaluate((variant) => {
    const { heddle } = globalThis;
    globalThis.open = ({ provider, ...config } = {}) => heddle.createRuntime({
      ...(variant !== 'single-file' && { variant }),
      ...(provider && { provider: heddle[provider[0]](provider[1]) }),
      ...config,
    });
  }, build);
  return page;
}
