// Structured output where a host is narrower than a plain Node: no code from strings, and a worker that was made of a blob.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from '../support/child.mjs';
import { variant } from '../support/heddle.mjs';

const ask = `
  const schema = { type: 'object', properties: { n: { type: 'integer', format: 'x', pattern: '^a' } }, required: ['n'] };
  const rt = await open({ provider: heddle.simulated({ latency: 0, script: (_request, n) => (n === 1 ? '{}' : '{"n":5}') }) });
  const outcome = await rt.llm('x', { schema, repair: 1 }).then(({ value }) => JSON.stringify(value), (error) => error.code);
  say(outcome, (await rt.llm('x')).text);
  await rt.close();`;

test('nothing is compiled from strings, so a strict Content-Security-Policy allows it', async () => {
  const proof = "let eval_ = 'allowed'; try { new Function('return 1')(); } catch (error) { eval_ = error.name; } say(eval_);";
  const { code, lines, stderr } = await runChild(proof + ask, { flags: ['--disallow-code-generation-from-strings'] });
  assert.deepEqual({ code, lines, stderr }, { code: 0, lines: ['EvalError', '{"n":5} {}'], stderr: '' });
});

test('in a worker made of a blob: the single file works; elsewhere the validator says why it does not load, and the rest works', async () => {
  // As in browsers: such a worker's path is the whole address of the page, port and all.
  const blob = "globalThis.self = { location: { origin: 'http://127.0.0.1:80', pathname: 'http://127.0.0.1:80/1b2e', href: 'blob:http://127.0.0.1:80/1b2e' } }; globalThis.location = { search: '' };";
  const { code, lines, stderr } = await runChild(blob + ask);
  const expected = variant === 'single-file' ? '{"n":5} {}' : 'Unsupported {}';
  assert.deepEqual({ code, lines, stderr }, { code: 0, lines: [expected], stderr: '' });
});
