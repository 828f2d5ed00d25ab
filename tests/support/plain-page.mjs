/**
 * A page that loads the package as plain ES modules, as it lies in dist/, without a bundler. Its import map, which tells the browser
 * where the package and its one dependency are, is an inline script: the policy names its hash.
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { root } from '../../wasm/toolchain/steps.mjs';
import { serveStatic, strictPolicy } from './static-server.mjs';

const importMap = JSON.stringify({
  imports: { heddle: '/dist/index.js', 'eventsource-parser': '/node_modules/eventsource-parser/dist/index.js' },
});
const hash = `'sha256-${createHash('sha256').update(importMap).digest('base64')}'`;
const page = `<!doctype html>
<title>Tests</title>
<script type="importmap">${importMap}</script>
<script type="module" src="/tests/browser/app/main.mjs"></script>`;

/** Serves the page until the test ends, and gives its address. The page sets `heddle` and `runScenarios`. */
export async function servePlainPage(t, { policy = strictPolicy } = {}) {
  const routes = {
    '/': { type: 'text/html', body: page },
    '/favicon.ico': { type: 'image/x-icon', body: '' },
    '/dist/': { folder: path.join(root, 'dist') },
    '/tests/': { folder: path.join(root, 'tests') },
    '/node_modules/': { folder: path.join(root, 'node_modules') },
  };
  return serveStatic(t, routes, { policy: policy.replace("script-src 'self'", `script-src 'self' ${hash}`) });
}
