// The digest in Lisp: the same documents, the same questions, as a program that `npm start` is given.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inFolder } from '../support/command.mjs';

const program = fileURLToPath(new URL('../../build/digest/main.js', import.meta.url));
const script = fileURLToPath(new URL('../../js/digest/digest.scm', import.meta.url));
const fixture = fileURLToPath(new URL('../support/documents', import.meta.url));

const start = (...args) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: { PATH: process.env.PATH } });

test('digests the fixture: each distinct question once, a line for each document, a summary of all', () => {
  const { status, stdout, stderr } = start(script, fixture, '--virtual');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /guide\.md is done, 5 of 5 sections/);
  assert.match(stdout, /^guide\.md: 5\/5 sections, mostly \w+$/m);
  // Two of each of 9 sections, two documents of several, one of all; one section stands in two documents.
  assert.match(stdout, /^4 of 4 documents finished, 21 questions, 19 of them different\.$/m);
});

test('the same run gives the same words, under failures too', () => {
  const run = () => start(script, fixture, '--virtual', '--failures', '0.3', '--seed', '9').stdout;
  assert.equal(run(), run());
});

test('a program of its own has the documents; its error is told with its place', (t) => {
  const folder = inFolder(t, { 'count.scm': '(display (length (read-documents)))', 'bad.scm': '(display "x")\n(car (read-documents) 2)' });
  assert.equal(start(`${folder}/count.scm`, fixture, '--virtual').stdout, '4');
  const bad = start(`${folder}/bad.scm`, fixture, '--virtual');
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /error: .*bad\.scm:2:1: /);
  assert.equal(start(`${folder}/not-there.scm`, fixture).status, 2);
});
