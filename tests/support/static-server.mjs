/**
 * A small static server for browser tests: serves folders of this repository, and pages that a test writes, with a
 * Content-Security-Policy header. It listens on 127.0.0.1 at a free port and keeps no process alive.
 *
 * `routes` maps a path, or a prefix that ends in a slash, to {folder}, {file} or {body, type}; the longest that matches counts.
 */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';

/** What Heddle asks of a page, and no more. */
export const strictPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const types = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Starts a server that is closed when the test or suite `t` ends; gives its address without a slash at the end. */
export async function serveStatic(t, routes, { policy = strictPolicy } = {}) {
  const server = createServer((request, response) => void answer(routes, policy, request, response));
  server.on('connection', (socket) => socket.unref());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

async function answer(routes, policy, request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const found = find(routes, decodeURIComponent(pathname));
  const body = await found?.read().catch(() => undefined);
  const headers = { 'cache-control': 'no-store', ...(policy && { 'content-security-policy': policy }) };
  if (body === undefined) return void response.writeHead(404, headers).end();
  response.writeHead(200, { ...headers, 'content-type': found.type }).end(body);
}

function find(routes, pathname) {
  const [route] = Object.keys(routes)
    .filter((each) => (each.endsWith('/') ? pathname.startsWith(each) : pathname === each))
    .sort((a, b) => b.length - a.length);
  if (route === undefined) return undefined;
  const { folder, file, body, type } = routes[route];
  if (body !== undefined) return { type, read: async () => body };
  const rest = pathname.slice(route.length) || 'index.html';
  const name = file ?? path.join(folder, path.normalize(`/${rest}`));
  return { type: types[path.extname(name)] ?? 'application/octet-stream', read: () => readFile(name) };
}
