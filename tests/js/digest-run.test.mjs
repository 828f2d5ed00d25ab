// The digest's program, run in this process: what is asked, in which order, and what a failure or a cancel costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptLog } from '../../build/digest/attempts.js';
import { newDigest, runDigest } from '../../build/digest/digest.js';
import { plausible } from '../../build/digest/plausible-answers.js';
import { Questions } from '../../build/digest/questions.js';
import { isComplete, reportLines, reportValue, stateOf } from '../../build/digest/report.js';
import { splitSections } from '../../build/digest/sections.js';
import { totalsOf } from '../../build/digest/totals.js';
import heddle, { open } from '../support/heddle.mjs';

const { CancellationError, custom, simulated } = heddle;
const documentOf = (path, markdown) => ({ path, sections: splitSections(markdown) });
const many = (path, count) =>
  documentOf(path, Array.from({ length: count }, (_, i) => `# ${path} ${i}\ntext ${i}`).join('\n\n'));
const question = (prompt) => ({ purpose: 'summarise', document: 'd', section: 's', prompt, maxTokens: 10 });
const plain = (_style, text) => text;

function deferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

// Runs documents against a provider; answers what came of it.
async function run(t, documents, provider, config = {}, options = {}) {
  const log = new AttemptLog(() => rt.clock.now());
  const rt = await open(t, { provider: log.around(provider), fairnessMode: 'priority', ...config });
  const digest = newDigest(documents, rt.clock.now());
  let error;
  await runDigest(rt, digest, options).catch((thrown) => (error = thrown));
  const stats = rt.getStats();
  await rt.close();
  const failed = digest.questions.asked.filter((each) => each.error !== undefined);
  log.close(digest.endedAt, new Set(failed.map((each) => each.question.prompt)));
  const report = {
    digest,
    attempts: log.attempts,
    now: digest.endedAt,
    timeline: 't.svg',
    provider: 'p',
    interrupted: false,
    virtual: false,
  };
  return { rt, digest, log, error, stats, report, totals: totalsOf(digest, log.attempts, digest.endedAt) };
}

test('every section is classified and summarised, then combined per document and overall', async (t) => {
  const prompts = [];
  const provider = custom((request) => {
    const prompt = request.messages[0].content;
    prompts.push(prompt);
    return prompt.startsWith('Classify') ? 'design' : `S${prompts.length}`;
  });
  const documents = [
    documentOf('a.md', '# A\none\n\n# B\ntwo'),
    documentOf('b.md', '# C\nthree'),
    documentOf('c.md', ''),
  ];
  const { digest, totals, stats } = await run(t, documents, provider);
  assert.ok(isComplete(digest));
  assert.deepEqual(
    digest.documents[0].sections.map(({ category }) => category),
    ['design', 'design'],
  );
  const combined = prompts.find((prompt) => prompt.includes('its sections'));
  for (const { section, summary } of digest.documents[0].sections)
    assert.ok(combined.includes(`- ${section.title} -- ${summary}`));
  // One section: its summary is the document's, nothing is combined.
  assert.equal(digest.documents[1].summary, digest.documents[1].sections[0].summary);
  assert.equal(digest.documents[2].summary, undefined);
  assert.ok(prompts.at(-1).includes(`- a.md -- ${digest.documents[0].summary}`));
  assert.ok(digest.overall.startsWith('S'));
  assert.equal(prompts.length, 3 * 2 + 1 + 1);
  assert.equal(totals.calls, prompts.length);
  assert.equal(stats.llmCalls, totals.attempts);
  assert.equal(stats.llmRetries, totals.retries);
});

test('the same prompt is asked once, within a document and across documents', async (t) => {
  const counts = new Map();
  const provider = custom((request) => {
    const prompt = request.messages[0].content;
    counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
    return 'guide';
  });
  const same = '# License\nthe same words';
  const documents = [documentOf('a.md', `# A\none\n\n${same}\n\n${same}`), documentOf('b.md', `# B\ntwo\n\n${same}`)];
  const { digest, totals } = await run(t, documents, provider);
  assert.ok(isComplete(digest));
  assert.ok([...counts.values()].every((count) => count === 1));
  assert.equal(totals.calls, counts.size);
  assert.equal(totals.repeated, 4);
  // The shared prompt counts for the document that asked first, so that the parts make the whole.
  const parts = ['a.md', 'b.md', '(all documents)'].map((path) => totalsOf(digest, [], 0, path));
  assert.equal(
    parts.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    totals.inputTokens,
  );
});

// A provider that holds every answer until told.
function held() {
  const gate = deferred();
  const begun = deferred();
  const aborted = deferred();
  const signals = [];
  const provider = custom(async (_request, { signal }) => {
    signals.push(signal);
    signal.addEventListener('abort', aborted.resolve);
    begun.resolve();
    await gate.promise;
    return `answer ${signals.length}`;
  });
  return { provider, signals, begun: begun.promise, aborted: aborted.promise, release: gate.resolve };
}

test('one of two that wait for a prompt is cancelled: the other gets its answer from the same call', async (t) => {
  const { provider, signals, begun, release } = held();
  const rt = await open(t, { provider });
  const answer = await rt.scope(async (s) => {
    const questions = new Questions(s);
    const first = s.submit((ctx) => questions.ask(ctx, question('p')));
    const second = s.submit((ctx) => questions.ask(ctx, question('p')));
    await begun;
    rt.cancel(first.id);
    await assert.rejects(first.promise, CancellationError);
    release();
    return s.await(second);
  });
  assert.equal(answer, 'answer 1');
  assert.equal(signals.length, 1);
  assert.equal(signals[0].aborted, false);
});

test('the last that waits for a prompt is cancelled: so is the call; asked again it is made again', async (t) => {
  const { provider, signals, begun, aborted, release } = held();
  const rt = await open(t, { provider });
  const answer = await rt.scope(async (s) => {
    const questions = new Questions(s);
    const tasks = [1, 2].map(() => s.submit((ctx) => questions.ask(ctx, question('p'))));
    await begun;
    for (const task of tasks) rt.cancel(task.id);
    await aborted;
    release();
    return s.await(s.submit((ctx) => questions.ask(ctx, question('p'))));
  });
  assert.equal(answer, 'answer 2');
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  );
});

test('a failed section costs nothing but itself, and the report says so', async (t) => {
  const provider = custom((request) => {
    const prompt = request.messages[0].content;
    if (prompt.startsWith('Summarise') && prompt.includes('poison'))
      throw Object.assign(new Error('too bitter'), { status: 400 });
    return 'guide';
  });
  const documents = [
    documentOf('a.md', '# A\none\n\n# B\npoison'),
    documentOf('b.md', '# C\npoison'),
    documentOf('d.md', '# D\nfine'),
  ];
  const { digest, error, report, totals } = await run(t, documents, provider);
  assert.equal(error, undefined);
  assert.equal(isComplete(digest), false);
  assert.deepEqual(digest.documents.map(stateOf), ['partly', 'failed', 'done']);
  assert.equal(digest.documents[0].summary, 'guide');
  assert.equal(digest.overall, 'guide');
  assert.equal(totals.failed, 2);
  const text = reportLines(report, 100, plain).join('\n');
  assert.match(text, /a\.md +1\/2 .* partly at/);
  assert.match(text, /a\.md > B: .*too bitter/);
  assert.match(text, /b\.md: none of its sections could be summarised/);
  assert.match(JSON.stringify(reportValue(report)), /"title":"B","category":"guide","error":"[^"]*too bitter/);
});

test('an answer of nothing is a failure', async (t) => {
  const provider = custom((request) =>
    request.messages[0].content.startsWith('Classify') ? 'guide' : { text: ' \n', finishReason: 'length' },
  );
  const { digest, report } = await run(t, [documentOf('a.md', '# A\none')], provider);
  assert.equal(stateOf(digest.documents[0]), 'failed');
  assert.match(reportLines(report, 100, plain).join('\n'), /answered with nothing \(finish reason: length\)/);
});

test('a key that is refused ends the run at the first call instead of failing them all', async (t) => {
  let requests = 0;
  const provider = custom(() => {
    requests++;
    throw Object.assign(new Error('no such key'), { status: 401 });
  });
  const { error, digest } = await run(t, [many('a.md', 100)], provider, { maxConcurrentLLMCalls: 2 });
  assert.equal(error.kind, 'auth');
  assert.ok(requests <= 4);
  assert.equal(stateOf(digest.documents[0]), 'cancelled');
});

test('documents that come first finish first, not all at the end', async (t) => {
  const finished = [];
  const documents = ['a.md', 'b.md', 'c.md'].map((path) => many(path, 20));
  const config = { clock: 'virtual', maxConcurrentTasks: 32, maxConcurrentLLMCalls: 4 };
  const { digest } = await run(t, documents, simulated({ latency: 100 }), config, {
    onDocument: ({ path }) => finished.push(path),
  });
  assert.deepEqual(finished, ['a.md', 'b.md', 'c.md']);
  const [a, b, c] = digest.documents.map(({ finishedAt }) => finishedAt - digest.startedAt);
  assert.ok(a < b * 0.6 && b < c * 0.75, `${a} ${b} ${c}`);
});

test('never more calls in flight than allowed, and the overlap is near that number', async (t) => {
  const config = { clock: 'virtual', maxConcurrentLLMCalls: 5 };
  const { totals } = await run(
    t,
    [many('a.md', 40), many('b.md', 40)],
    simulated({ latency: { min: 100, max: 900 } }),
    config,
  );
  assert.equal(totals.mostInFlight, 5);
  assert.ok(totals.overlap > 4 && totals.overlap <= 5, String(totals.overlap));
});

test('attempts that fail are retried and logged, one entry each', async (t) => {
  const config = { clock: 'virtual', seed: 7 };
  const { digest, log, stats, totals } = await run(
    t,
    [many('a.md', 30)],
    plausible(simulated({ seed: 7, failures: 0.3 })),
    config,
  );
  assert.ok(totals.retries > 0);
  assert.equal(totals.attempts, stats.llmCalls);
  assert.equal(totals.retries, stats.llmRetries);
  const outcomes = log.attempts.map(({ outcome }) => outcome);
  assert.equal(outcomes.filter((outcome) => outcome === 'retried').length, totals.retries);
  assert.ok(outcomes.every((outcome) => ['ok', 'retried', 'failed'].includes(outcome)));
  assert.equal(
    outcomes.filter((outcome) => outcome === 'ok').length,
    digest.questions.asked.filter(({ result }) => result).length,
  );
});

test('a cancelled run keeps what was finished', async (t) => {
  const controller = new AbortController();
  const config = { clock: 'virtual', maxConcurrentLLMCalls: 4 };
  const onDocument = () => controller.abort(new Error('enough'));
  const { digest, error, log, report } = await run(
    t,
    [many('a.md', 10), many('b.md', 10)],
    simulated({ latency: 100 }),
    config,
    {
      signal: controller.signal,
      onDocument,
    },
  );
  assert.ok(error instanceof CancellationError);
  assert.deepEqual(digest.documents.map(stateOf), ['done', 'cancelled']);
  assert.ok(log.attempts.some(({ outcome }) => outcome === 'cancelled'));
  assert.ok(log.attempts.every(({ outcome, endedAt }) => outcome !== 'open' && endedAt <= digest.endedAt));
  const text = reportLines(report, 100, plain).join('\n');
  assert.match(text, /1 of 2 documents finished/);
});
