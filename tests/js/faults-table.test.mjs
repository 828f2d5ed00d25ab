// js/docs/faults.md says what Heddle and three other clients do with each fault. The tables are measured here, and must be what
// the document has; HEDDLE_UPDATE_TABLE=1 writes them into the document.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { streamText } from 'ai';
import { measureOwn } from '../support/clients/measure-own.mjs';
import { leftOnTableOf, tablesOf } from '../support/clients/table.mjs';
import { serve } from '../support/llm-server.mjs';

const document = new URL('../../js/docs/faults.md', import.meta.url);
const program = new URL('../support/clients/measure.mjs', import.meta.url);
// In a process of its own, for it changes what a timer is.
async function measureOthers() {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [...process.execArgv.filter((arg) => !arg.startsWith('--test')), fileURLToPath(program)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1e8 });
  return JSON.parse(stdout);
}

// The text with these lines between the marks of that name.
function withPart(text, name, lines) {
  const [begin, end] = [`<!-- measured: ${name} -->\n`, '<!-- end -->'];
  const at = text.indexOf(begin);
  assert.notEqual(at, -1, `the document has the part ${name}`);
  return `${text.slice(0, at)}${begin}\n${lines}\n\n${text.slice(text.indexOf(end, at))}`;
}

test('the tables of faults are what the clients and the runtime do', async () => {
  const [own, { bare, leftOn }] = await Promise.all([measureOwn(), measureOthers()]);
  let renewed = readFileSync(document, 'utf8');
  renewed = withPart(renewed, 'tables', tablesOf(own.map((cells, i) => ({ ...cells, ...bare[i] }))));
  renewed = withPart(renewed, 'left-on', leftOnTableOf(leftOn));
  if (process.env.HEDDLE_UPDATE_TABLE === '1') writeFileSync(document, renewed);
  assert.deepEqual(readFileSync(document, 'utf8').split('\n'), renewed.split('\n'), 'HEDDLE_UPDATE_TABLE=1 renews the tables');
});

test('ai: to a reader of textStream an error inside the stream is the end of the text', async (t) => {
  const server = await serve(t, { fault: () => 'error-in-stream', respond: () => 'one two three' });
  const model = createOpenAI({ baseURL: server.openaiBaseURL, apiKey: 'k' })('m');
  const errors = [];
  let text = '';
  const { textStream } = streamText({ model, prompt: 'q', maxRetries: 0, onError: ({ error }) => errors.push(error) });
  for await (const piece of textStream) text += piece;
  assert.deepEqual([text, errors.length], ['one ', 1]);
});
