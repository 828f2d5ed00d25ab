// The programs in tests/lisp/examples: what users of the Lisp write, run with a simulated model under virtual time.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';

const folder = new URL('../lisp/examples/', import.meta.url);

// Runs an example; `answer(prompt, request)` gives a text, or what a simulated answer may have. Gives the value, the
// milliseconds that it took, the prompts in the order of their start, and the most calls in flight at once.
async function run(t, name, globals, answer, config = {}) {
  const prompts = [];
  let now = () => 0;
  const spans = [];
  const script = (request) => {
    const prompt = request.messages.at(-1).content;
    prompts.push(prompt);
    const given = answer(prompt, request);
    const full = typeof given === 'string' ? { text: given, latencyMs: 100 } : { latencyMs: 100, ...given };
    spans.push([now(), now() + full.latencyMs]);
    return full;
  };
  const rt = await open(t, { clock: 'virtual', provider: heddle.simulated({ script }), maxConcurrentLLMCalls: 32, ...config });
  now = () => rt.clock.now();
  const source = readFileSync(new URL(`${name}.scm`, folder), 'utf8');
  const value = await rt.run(source, { name, globals }).promise;
  const ms = rt.clock.now();
  const most = Math.max(...spans.map(([start]) => spans.filter(([from, to]) => from <= start && start < to).length));
  return { value, ms, prompts, most, stats: rt.getStats() };
}

describe('examples in Lisp', () => {
  test('bulk_classification_keeps_four_calls_in_flight_and_the_order_of_the_documents', async (t) => {
    const documents = Array.from({ length: 10 }, (_, i) => ['refund please', 'it crashes', 'love it'][i % 3] + ` ${i}`);
    const label = (prompt) => (prompt.includes('refund') ? 'billing' : prompt.includes('crashes') ? 'bug' : 'praise');
    const { value, ms, most } = await run(t, 'bulk-classification', { documents }, label);
    assert.deepEqual(value, [
      documents.map(label),
      [['billing', 4], ['bug', 3], ['praise', 3]],
    ]);
    assert.equal(most, 4);
    assert.equal(ms, 300);
  });

  test('four_analyses_of_an_article_overlap_and_one_call_combines_them', async (t) => {
    const latencies = { Summarize: 400, 'Name the sentiment': 100, 'List the entities': 200, 'List the topics': 300 };
    const answer = (prompt) => {
      if (prompt.startsWith('Combine')) return { text: `combined(${prompt.slice(9)})`, latencyMs: 50 };
      const question = prompt.slice(0, prompt.indexOf(':'));
      return { text: question.toLowerCase(), latencyMs: latencies[question] };
    };
    const { value, ms, most } = await run(t, 'article-analyses', { article: 'Looms.' }, answer);
    assert.equal(value, 'combined(summarize | name the sentiment | list the entities | list the topics)');
    assert.equal(most, 4);
    assert.equal(ms, 450);
  });

  test('a_majority_vote_counts_the_answers_that_came', async (t) => {
    let asked = 0;
    const answer = () => {
      asked++;
      if (asked === 3) return { error: { status: 400, message: 'no' } };
      return asked % 2 === 0 ? 'no' : 'yes';
    };
    const { value } = await run(t, 'majority-vote', { question: 'Spam?', votes: 7 }, answer);
    assert.deepEqual(value, ['yes', 6]);
  });

  test('speculation_takes_the_first_success_and_cancels_the_losers', async (t) => {
    const answers = {
      broken: { error: { status: 400, message: 'no such model' }, latencyMs: 10 },
      slow: { text: 'slow answer', latencyMs: 5000 },
      quick: { text: 'quick answer', latencyMs: 80 },
    };
    const { value, ms, stats } = await run(t, 'speculation', { models: ['slow', 'broken', 'quick'], question: 'Why?' }, (_, { model }) => answers[model]);
    assert.deepEqual(value, ['quick', 'quick answer']);
    assert.equal(ms, 80);
    assert.equal(stats.concurrentLLMCalls, 0);
  });

  test('a_tree_of_topics_loses_only_the_subtree_that_takes_too_long', async (t) => {
    const answer = (prompt) => {
      const topic = prompt.slice('Subtopics of '.length);
      if (topic === 'weaving') return 'looms,yarn';
      return { text: `${topic}1,${topic}2`, latencyMs: topic === 'yarn' ? 9000 : 100 };
    };
    const { value, ms } = await run(t, 'topic-tree', { topic: 'weaving', depth: 2, limit: 1000 }, answer);
    assert.deepEqual(value, ['weaving', ['looms', 'looms1', 'looms2'], ['yarn', 'timeout']]);
    assert.equal(ms, 1100);
  });

  test('two_overlapping_streams_ask_once_for_each_document', async (t) => {
    const left = ['a', 'b', 'c', 'd'];
    const right = ['c', 'd', 'e', 'a'];
    const { value, prompts } = await run(t, 'overlapping-streams', { left, right }, (prompt) => prompt.replace('Summarize: ', 'about '));
    assert.deepEqual(value, [left, right].map((each) => each.map((name) => `about ${name}`)));
    assert.deepEqual([...prompts].sort(), ['a', 'b', 'c', 'd', 'e'].map((name) => `Summarize: ${name}`));
  });
});
