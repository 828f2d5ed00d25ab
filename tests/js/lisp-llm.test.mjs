// Models asked from Lisp: overlap, options, forms, streams, accounts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { connected } from '../support/calls.mjs';
import { assertAtRest, deferred, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const latencies = { a: 300, b: 500, c: 400 };
const scripted = (script) => ({ clock: 'virtual', provider: heddle.simulated({ script }) });
const timed = scripted((request) => ({ text: `re ${request.messages.at(-1).content}`, latencyMs: latencies[request.messages.at(-1).content] ?? 10 }));

test('three calls in await-all take as long as the longest', async (t) => {
  const rt = await open(t, timed);
  const source = `(await-all (map (lambda (p) (async (lambda () (llm.infer p)))) '("a" "b" "c")))`;
  assert.deepEqual(await rt.run(source).promise, ['re a', 're b', 're c']);
  assert.equal(rt.clock.now(), 500);
});

for (const [what, source] of [
  ['parallel-map', `(parallel-map llm.infer '("a" "b" "c"))`],
  ['parallel', `(parallel (llm.infer "a") (llm.infer "b") (llm.infer "c"))`],
  ['light fibers', `(map fiber/join (map (lambda (p) (fiber/spawn (lambda () (llm.infer p)))) '("a" "b" "c")))`],
]) {
  test(`and so do three by ${what}`, async (t) => {
    const rt = await open(t, timed);
    assert.deepEqual(await rt.run(source).promise, ['re a', 're b', 're c']);
    assert.equal(rt.clock.now(), 500);
  });
}

test('a real server sees three calls open at once, and at most maxConcurrentLLMCalls', async (t) => {
  const { rt, server } = await connected(t, { latencyMs: 'manual', respond: ({ prompt }) => `re ${prompt}` }, { maxConcurrentLLMCalls: 3 });
  const task = rt.run(`(await-all (map (lambda (p) (async (lambda () (llm.infer p)))) '("a" "b" "c" "d" "e")))`);
  await server.whenOpen(3);
  await turns();
  assert.equal(server.stats().open, 3);
  while (server.stats().answered < 5) {
    server.release();
    await turns();
  }
  assert.deepEqual(await task.promise, ['a', 'b', 'c', 'd', 'e'].map((p) => `re ${p}`));
  assert.equal(server.stats().maxOpen, 3);
});

test('the account of the task counts the calls of its fibers', async (t) => {
  const rt = await open(t, timed);
  const task = rt.run(`(parallel-map llm.infer '("a" "b" "c")) (llm.infer "d")`);
  await task.promise;
  assert.equal(task.llm.attempts, 4);
  assert.ok(task.llm.inputTokens > 0 && task.llm.outputTokens > 0);
});

test('options are keywords, with hyphens or as in JavaScript', async (t) => {
  const requests = [];
  const rt = await open(t, scripted((request) => (requests.push(request), { text: 'ok' })));
  await rt.run('(llm.infer "p" :model "m" :temperature 0.5 :max-tokens 7 :sample 3 :system "be brief")').promise;
  await rt.run('(llm.infer "p" :maxTokens 8)').promise;
  await rt.run('(effect infer.op "q")').promise;
  assert.equal(requests[0].model, 'm');
  assert.equal(requests[0].temperature, 0.5);
  assert.equal(requests[0].maxTokens, 7);
  assert.equal(requests[0].sample, 3);
  assert.deepEqual(requests[0].messages, [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'p' }]);
  assert.equal(requests[1].maxTokens, 8);
  assert.equal(requests[2].messages[0].content, 'q');
});

test('wrong arguments are a condition that names them', async (t) => {
  const rt = await open(t, timed);
  for (const [source, words] of [
    ['(llm.infer 5)', /prompt must be a string/],
    ['(llm.infer "p" :nonsense 1)', /nonsense/],
    ['(llm.infer "p" :temperature "hot")', /temperature/],
    ['(llm.infer (list))', /prompt must be/],
  ]) {
    const error = await rejection(rt.run(source).promise);
    assert.match(error.message, words, source);
  }
});

test('messages are tables, or lists of pairs', async (t) => {
  const requests = [];
  const rt = await open(t, scripted((request) => (requests.push(request.messages), { text: 'ok' })));
  await rt.run(`(let ((m (make-hash-table))) (hash-table-set! m "role" "user") (hash-table-set! m "content" "hi") (llm.infer (list m)))`).promise;
  await rt.run(`(llm.infer '((("role" "system") ("content" "s")) ((role "user") (content "u"))))`).promise;
  assert.deepEqual(requests, [[{ role: 'user', content: 'hi' }], [{ role: 'system', content: 's' }, { role: 'user', content: 'u' }]]);
});

test('the whole result, and a value of a form', async (t) => {
  const rt = await open(t, scripted(() => ({ text: '{"score": 7}' })));
  assert.equal(await rt.run('(hash-table-ref (llm.infer "p" :full #t) "text")').promise, '{"score": 7}');
  assert.ok((await rt.run('(hash-table-ref (hash-table-ref (llm.infer "p" :full #t) "usage") "outputTokens")').promise) > 0);
  assert.deepEqual(await rt.run('(llm.infer "p" :json #t)').promise, { score: 7 });
  const schema = { type: 'object', properties: { score: { type: 'string' } }, required: ['score'] };
  assert.equal(await rt.run('(guard (e (#t (condition-code e))) (llm.infer "p" :schema schema))', { globals: { schema } }).promise, 'StructuredOutput');
});

test('a cancelled fiber ends its call alone', async (t) => {
  const { rt, server } = await connected(t, { latencyMs: 'manual' });
  const enough = deferred();
  rt.define('enough', () => enough.promise);
  const task = rt.run('(fiber.select (list (fiber/spawn (lambda () (llm.infer "slow"))) (fiber/spawn enough)))');
  await server.whenOpen(1);
  enough.resolve('gave up');
  assert.equal(await task.promise, 'gave up');
  await server.whenAborted(1);
  assert.equal(server.stats().open, 0);
  await rt.onIdle();
});

test('a cancelled program ends its calls', async (t) => {
  const { rt, server } = await connected(t, { latencyMs: 'manual' });
  const task = rt.run(`(parallel-map llm.infer '("a" "b"))`);
  await server.whenOpen(2);
  rt.cancel(task.id, 'enough');
  hasCode(await rejection(task.promise), 'Cancelled');
  await server.whenAborted(2);
  await rt.onIdle();
  assertAtRest(rt);
});

test('majority of several samples', async (t) => {
  const answers = ['yes', 'no', 'yes'];
  const rt = await open(t, scripted((request) => ({ text: answers[request.sample], latencyMs: 10 })));
  const source = `(majority-vote (parallel-map (lambda (i) (llm.infer "?" :sample i)) '(0 1 2)))`;
  assert.equal(await rt.run(source).promise, 'yes');
  assert.equal(rt.clock.now(), 10);
});

test('a stream gives its pieces one by one, and all of it in the end', async (t) => {
  const rt = await open(t, scripted(() => ({ text: 'one two three', latencyMs: 30 })));
  const seen = [];
  rt.define('take', (piece) => void seen.push(piece));
  assert.equal(await rt.run('(llm.stream "p" take :model "m")').promise, 'one two three');
  assert.ok(seen.length > 1);
  assert.equal(seen.join(''), 'one two three');
  assert.equal(await rt.run('(string-length (effect infer.stream "p" (lambda (piece) #f)))').promise, 13);
  assertAtRest(rt);
});

test('a stream that is left closes its connection', async (t) => {
  const { rt, server } = await connected(t, { respond: () => ({ pieces: ['a', 'b', 'c', 'd'] }), pauseAfter: 2 });
  const source = '(call/cc (lambda (leave) (llm.stream "p" leave)))';
  assert.equal(await rt.run(source).promise, 'a');
  await server.whenAborted(1);
  const failed = await rejection(rt.run('(llm.stream "p" (lambda (piece) (error "enough" piece)))').promise);
  assert.match(failed.message, /enough/);
  await server.whenAborted(2);
  await rt.onIdle();
  await until('the connection is given up', () => rt.getStats().concurrentLLMCalls === 0);
  assertAtRest(rt);
});
