// js/docs/faults.md says what Heddle and three other clients do with each fault. The table is measured here, and must be what
// the document has; HEDDLE_UPDATE_TABLE=1 writes it into the document.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { streamText } from 'ai';
import { measureOwn } from '../support/clients/measure-own.mjs';
import { tableOf } from '../support/clients/table.mjs';
import { serve } from '../support/llm-server.mjs';

const document = new URL('../../js/docs/faults.md', import.meta.url);
const program = new URL('../support/clients/measure.mjs', import.meta.url);
const marks = ['<!-- table: measured by tests/js/faults-table.test.mjs -->', '<!-- end of the table -->'];

// In a process of its own, for it changes what a timer is.
async function measureOthers() {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [program.pathname], { env, maxBuffer: 1e8 });
  return JSON.parse(stdout);
}

test('the table of faults is what the clients and the runtime do', async () => {
  const [own, others] = await Promise.all([measureOwn(), measureOthers()]);
  const table = tableOf(own.map((cells, i) => ({ ...cells, ...others[i] })));
  const text = readFileSync(document, 'utf8');
  const [head, rest] = text.split(marks[0]);
  const tail = rest.split(marks[1])[1];
  const renewed = `${head}${marks[0]}\n\n${table}\n\n${marks[1]}${tail}`;
  if (process.env.HEDDLE_UPDATE_TABLE === '1') writeFileSync(document, renewed);
  assert.deepEqual(readFileSync(document, 'utf8').split('\n'), renewed.split('\n'), 'HEDDLE_UPDATE_TABLE=1 renews the table');
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
