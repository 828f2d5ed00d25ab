// The page imports `heddle` by its name, as any user's page does: it gets the package in dist/.

import { fileURLToPath } from 'node:url';

export default {
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Works below any path of a server.
  base: './',
  build: {
    outDir: '../build/web-demo',
    emptyOutDir: true,
    target: 'es2022',
    // The page's Content-Security-Policy allows no data: URLs.
    assetsInlineLimit: 0,
    // The polyfill is for engines without WebAssembly exceptions, on which Heddle does not run anyway.
    modulePreload: { polyfill: false },
  },
};
