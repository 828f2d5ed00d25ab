// The tool loop: rounds, tools as tasks, what the model is told, and what is left when a loop is cancelled or fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import heddle, { open } from '../support/heddle.mjs';
import { assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, SignalCounter, turns, until } from '../support/tasks.mjs';

/** A runtime whose model gives these answers, one a round: a text, or what a script may state. */
async function setUp(t, answers, config) {
  const requests = [];
  const script = (request) => {
    requests.push(request);
    const round = request.messages.filter(({ role }) => role === 'assistant').length;
    const answer = answers[Math.min(round, answers.length - 1)];
    return typeof answer === 'function' ? answer(request) : answer;
  };
  const rt = await open(t, { clock: 'virtual', provider: heddle.simulated({ latency: 100, script }), ...config });
  return { rt, requests };
}

const calls = (...named) => ({ toolCalls: named.map(([name, args], i) => ({ id: `c${i + 1}`, name, arguments: args })) });
const numbers = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'], additionalProperties: false };
const add = { name: 'add', description: 'a + b', parameters: numbers, run: ({ a, b }) => a + b };
const usage = (inputTokens, outputTokens, source = 'exact') => ({ inputTokens, outputTokens, source });
const told = (request) => request.messages.filter(({ role }) => role === 'tool').map(({ toolCallId, content }) => [toolCallId, content]);

test('asks, runs the tools, tells the model, and ends with an answer without tools', async (t) => {
  const { rt, requests } = await setUp(t, [
    { ...calls(['add', { a: 1, b: 2 }], ['add', { a: 3, b: 4 }]), usage: usage(10, 1) },
    { ...calls(['add', { a: 3, b: 7 }]), usage: usage(20, 2) },
    { text: 'It is 10.', usage: usage(30, 3) },
  ]);
  const result = await rt.llmTools('1 + 2 + 3 + 4?', { tools: [add] });
  assert.equal(result.text, 'It is 10.');
  assert.equal(result.rounds, 3);
  assert.deepEqual(result.usage, usage(60, 6));
  assert.deepEqual(result.messages.map(({ role, content }) => [role, content]), [
    ['user', '1 + 2 + 3 + 4?'],
    ['assistant', ''],
    ['tool', '3'],
    ['tool', '7'],
    ['assistant', ''],
    ['tool', '10'],
    ['assistant', 'It is 10.'],
  ]);
  assert.deepEqual(result.messages[1].toolCalls.map(({ id }) => id), ['c1', 'c2']);
  assert.deepEqual(result.toolCalls.map(({ round, call, result: value }) => [round, call.id, value]), [[1, 'c1', 3], [1, 'c2', 7], [2, 'c1', 10]]);
  assert.equal(result.result.text, 'It is 10.');
  assert.equal(result.value, undefined);
  assert.deepEqual(requests[0].tools, [{ name: 'add', description: 'a + b', parameters: numbers }]);
  assert.deepEqual(told(requests[2]), [['c1', '3'], ['c2', '7'], ['c1', '10']]);
  assertAtRest(rt);
});

test('the conversation goes on with messages as the next prompt', async (t) => {
  const { rt, requests } = await setUp(t, [calls(['add', { a: 1, b: 2 }]), 'three', 'again']);
  const { messages } = await rt.llmTools('1 + 2?', { tools: [add] });
  const next = await rt.llmTools([...messages, { role: 'user', content: 'sure?' }], { tools: [add] });
  assert.equal(next.text, 'again');
  assert.deepEqual(requests[2].messages.map(({ role }) => role), ['user', 'assistant', 'tool', 'assistant', 'user']);
});

test('tools are tasks: named, below the caller, under its limits; the caller gives its slot back', async (t) => {
  const { rt } = await setUp(t, [calls(['look', {}], ['look', {}]), 'done'], { maxConcurrentTasks: 1 });
  const seen = [];
  const look = {
    name: 'look',
    async run(_args, ctx) {
      seen.push([ctx.task.name, rt.getStats().runningTasks]);
      await ctx.delay(10);
      return ctx.task.id;
    },
  };
  const bodies = [(ctx) => ctx.llmTools('x', { tools: [look] }), function* (ctx) { return yield ctx.llmTools('x', { tools: [look] }); }];
  for (const body of bodies) {
    const task = rt.submit(body, { name: 'agent' });
    const { text, toolCalls } = await task.promise;
    assert.equal(text, 'done');
    for (const { result } of toolCalls) {
      const tool = rt.getTask(result);
      assert.equal(tool.state, 'completed');
      // The loop's scope stands between them.
      assert.notEqual(tool.parentId, undefined);
    }
  }
  assert.deepEqual(seen, [['tool:look', 1], ['tool:look', 1], ['tool:look', 1], ['tool:look', 1]]);
  assertAtRest(rt);
});

test('the tools of one answer run concurrently, as many as toolConcurrency allows; results go back in order', async (t) => {
  const waits = [50, 10, 40, 20, 30];
  const answer = calls(...waits.map((ms) => ['wait', { ms }]));
  for (const [toolConcurrency, most, took] of [[undefined, 5, 50], [2, 2, 80], [1, 1, 150]]) {
    const { rt, requests } = await setUp(t, [answer, 'done']);
    let running = 0;
    let peak = 0;
    const wait = {
      name: 'wait',
      async run({ ms }, ctx) {
        peak = Math.max(peak, ++running);
        await ctx.delay(ms);
        running--;
        return `${ms}`;
      },
    };
    await rt.llmTools('x', { tools: [wait], toolConcurrency });
    assert.deepEqual(told(requests[1]).map(([, content]) => Number(content)), waits);
    assert.deepEqual([peak, rt.clock.now()], [most, 200 + took]);
    assertAtRest(rt);
  }
});

test('what a tool gives goes to the model: text as it is, anything else as JSON', async (t) => {
  const given = ['text', { a: [1] }, undefined, null, 5, false];
  const { rt, requests } = await setUp(t, [calls(...given.map((_, i) => ['give', { i }])), 'done']);
  await rt.llmTools('x', { tools: [{ name: 'give', run: ({ i }) => given[i] }] });
  assert.deepEqual(told(requests[1]).map(([, content]) => content), ['text', '{"a":[1]}', 'null', 'null', '5', 'false']);
});

test('a tool that throws, runs out of time, is cancelled or gives no JSON is reported to the model', async (t) => {
  const circle = {};
  circle.self = circle;
  const tools = [
    { name: 'throws', run: () => { throw new Error('no such city'); } },
    { name: 'rejects', run: async () => { throw 'a string'; } },
    { name: 'slow', run: (_args, ctx) => forever(ctx), timeout: 20 },
    { name: 'cancels', run: (_args, ctx) => { ctx.cancel('own wish'); return ctx.delay(5); } },
    { name: 'circle', run: () => circle },
    { name: 'big', run: () => 5n },
    { name: 'long', run: () => { throw new Error('y'.repeat(100_000)); } },
    { name: 'fine', run: () => 'ok' },
  ];
  const { rt, requests } = await setUp(t, [calls(...tools.map(({ name }) => [name, {}])), 'done']);
  const { text, toolCalls } = await rt.llmTools('x', { tools });
  assert.equal(text, 'done');
  const contents = told(requests[1]).map(([, content]) => content);
  assert.equal(contents[0], 'Error: no such city');
  assert.match(contents[1], /^Error: .*a string/);
  assert.match(contents[2], /^Error: .*timeout of 20 ms/);
  assert.match(contents[3], /^Error: .*own wish/);
  assert.match(contents[4], /^Error: /);
  assert.match(contents[5], /^Error: /);
  assert.ok(contents[6].length < 3000);
  assert.equal(contents[7], 'ok');
  assert.deepEqual(toolCalls.map(({ error }) => error === undefined), [false, false, false, false, false, false, false, true]);
  assert.equal(rt.getTasksByState('error').length, 4);
  assertAtRest(rt);
});

test('arguments that are no JSON or do not fit, and names that no tool has, are reported and nothing runs', async (t) => {
  const ran = [];
  const tools = [
    { name: 'schema', parameters: numbers, run: (args) => ran.push(args) },
    { name: 'zod', parameters: z.object({ day: z.string().transform((text) => text.length) }), run: (args) => ran.push(args) },
    { name: 'free', run: (args) => ran.push(args) },
  ];
  const asked = [['schema', '{"a":'], ['schema', '[]'], ['schema', { a: 'x' }], ['schema', ''], ['zod', { day: 5 }], ['gone', {}], ['constructor', {}], ['free', ' '], ['zod', { day: 'Monday' }], ['schema', { a: 1, b: 2 }]];
  for (const onToolError of ['report', 'throw']) {
    ran.length = 0;
    const { rt, requests } = await setUp(t, [calls(...asked), 'done']);
    const { toolCalls } = await rt.llmTools('x', { tools, onToolError });
    const contents = told(requests[1]).map(([, content]) => content);
    assert.equal(contents[0], 'Error: the arguments are no JSON');
    assert.equal(contents[1], 'Error: the arguments must be a JSON object');
    assert.match(contents[2], /^Error: the arguments do not fit:\n[^]*"b"[^]*\/a: /);
    assert.match(contents[3], /^Error: the arguments do not fit/);
    assert.match(contents[4], /\/day: /);
    assert.equal(contents[5], 'Error: there is no tool "gone"; there are schema, zod, free');
    assert.match(contents[6], /^Error: there is no tool/);
    assert.deepEqual(ran, [{}, { day: 6 }, { a: 1, b: 2 }]);
    assert.deepEqual(toolCalls.map(({ error }) => error?.code), [...Array(7).fill('ArgumentError'), undefined, undefined, undefined]);
    assertAtRest(rt);
  }
});

test('onToolError throw: the first failure fails the loop and cancels the other tools of the answer', async (t) => {
  const { rt, requests } = await setUp(t, [calls(['fine', {}]), calls(['slow', {}], ['throws', {}], ['slow', {}]), 'never']);
  const broken = new Error('broken');
  const cleaned = [];
  const tools = [
    { name: 'fine', run: () => 'ok' },
    { name: 'throws', run: async (_args, ctx) => { await ctx.delay(5); throw broken; } },
    {
      name: 'slow',
      async run(_args, ctx) {
        try {
          await forever(ctx);
        } finally {
          await ctx.shield((safe) => safe.delay(50), { timeout: 100 });
          cleaned.push(rt.clock.now());
        }
      },
    },
  ];
  const error = hasCode(await rejection(rt.submit((ctx) => ctx.llmTools('x', { tools, onToolError: 'throw' })).promise), 'ToolLoop');
  assert.ok(error instanceof heddle.ToolLoopError);
  assert.equal(error.reason, 'tool');
  assert.equal(error.cause, broken);
  assert.match(error.message, /the tool "throws" failed: broken/);
  assert.deepEqual(error.messages.map(({ role }) => role), ['user', 'assistant', 'tool']);
  assert.equal(error.result.toolCalls.length, 3);
  // The loop is over when its tools are.
  assert.deepEqual(cleaned, [255, 255]);
  assert.equal(rt.clock.now(), 255);
  assert.equal(requests.length, 2);
  assertAtRest(rt);
});

test('onToolError throw with one tool at a time begins none after the failure', async (t) => {
  const { rt } = await setUp(t, [calls(['throws', {}], ['other', {}])]);
  let ran = 0;
  const tools = [{ name: 'throws', run: () => { throw new Error('x'); } }, { name: 'other', run: () => ran++ }];
  hasCode(await rejection(rt.llmTools('x', { tools, onToolError: 'throw', toolConcurrency: 1 })), 'ToolLoop');
  assert.equal(ran, 0);
});

test('maxRounds bounds how often the model is asked; the error has the conversation so far', async (t) => {
  const { rt, requests } = await setUp(t, [calls(['add', { a: 1, b: 2 }])]);
  const error = hasCode(await rejection(rt.llmTools('x', { tools: [add], maxRounds: 3 })), 'ToolLoop');
  assert.equal(error.reason, 'rounds');
  assert.match(error.message, /after 3 rounds \(maxRounds\) the model still asks for tools: add/);
  assert.equal(requests.length, 3);
  // Two rounds are complete; what the third asked for did not run, and is in the result.
  assert.deepEqual(error.messages.map(({ role }) => role), ['user', 'assistant', 'tool', 'assistant', 'tool']);
  assert.equal(error.result.toolCalls[0].name, 'add');
  const { requests: ten } = await (async () => {
    const again = await setUp(t, [calls(['add', { a: 1, b: 2 }])]);
    hasCode(await rejection(again.rt.llmTools('x', { tools: [add] })), 'ToolLoop');
    return again;
  })();
  assert.equal(ten.length, 10);
  assertAtRest(rt);
});

test('a forced tool is forced once: afterwards the model may answer', async (t) => {
  for (const toolChoice of ['required', { name: 'add' }]) {
    const { rt, requests } = await setUp(t, [calls(['add', { a: 1, b: 2 }]), 'done']);
    await rt.llmTools('x', { tools: [add], toolChoice });
    assert.deepEqual(requests.map((request) => request.toolChoice), [toolChoice, 'auto']);
  }
});

test('the form of the last answer: its value, and its repair, whose usage counts', async (t) => {
  const answers = [
    { ...calls(['add', { a: 1, b: 2 }]), usage: usage(10, 1) },
    (request) => (request.messages.at(-1).role === 'tool' ? { text: 'three', usage: usage(100, 10) } : { text: '{"sum":3}', usage: usage(1000, 100) }),
    { text: '{"sum":3}', usage: usage(1000, 100) },
  ];
  const { rt } = await setUp(t, answers);
  const result = await rt.llmTools('1 + 2?', { tools: [add], schema: z.object({ sum: z.number() }), repair: 1 });
  assert.deepEqual(result.value, { sum: 3 });
  assert.equal(result.rounds, 2);
  assert.deepEqual(result.usage, usage(1110, 111));
  assert.deepEqual(result.messages.map(({ role }) => role), ['user', 'assistant', 'tool', 'assistant']);
  assertAtRest(rt);
});

test('a call that fails for good fails the loop with its own error; retries are the call’s', async (t) => {
  let failures = 0;
  const { rt } = await setUp(t, [calls(['add', { a: 1, b: 2 }]), () => (++failures === 1 ? { error: { status: 503 } } : { error: { status: 401 } })]);
  const error = hasCode(await rejection(rt.llmTools('x', { tools: [add] })), 'LLMError');
  assert.deepEqual([error.status, error.attempts], [401, 2]);
  assertAtRest(rt);
});

test('a cancelled task cancels its loop, the call in flight and every tool', async (t) => {
  const entered = deferred();
  const reasons = [];
  const rt = await open(t, { provider: heddle.simulated({ latency: 0, script: () => calls(['slow', {}], ['slow', {}]) }) });
  let inside = 0;
  const slow = {
    name: 'slow',
    async run(_args, ctx) {
      if (++inside === 2) entered.resolve();
      await forever(ctx).catch((error) => {
        reasons.push(error.reason);
        throw error;
      });
    },
  };
  const task = rt.submit((ctx) => ctx.llmTools('x', { tools: [slow] }));
  const cancelled = rejection(task.promise);
  await entered.promise;
  const tools = rt.getAllTasks().filter(({ name }) => name === 'tool:slow');
  assert.equal(tools.length, 2);
  rt.cancel(task.id, 'enough');
  assert.deepEqual(tools.map(({ state }) => state), ['cancelled', 'cancelled']);
  assert.equal(hasCode(await cancelled, 'Cancelled').reason, 'enough');
  await turns();
  assert.deepEqual(reasons, ['enough', 'enough']);
  assertAtRest(rt);
});

test('its signal and its timeout end the whole loop, whether the model or a tool is at work', async (t) => {
  for (const held of ['model', 'tool']) {
    const entered = deferred();
    const answers = heddle.simulated({ latency: 0, script: () => calls(['slow', {}]) });
    const hangs = heddle.custom((_request, { signal }) => {
      entered.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const rt = await open(t, { provider: held === 'tool' ? answers : hangs });
    const slow = { name: 'slow', run: (_args, ctx) => (entered.resolve(), forever(ctx)) };
    const counter = new SignalCounter();
    const { signal, abort } = counter.signal();
    const loop = rejection(rt.llmTools('x', { tools: [slow], signal }));
    await entered.promise;
    abort('why');
    assert.match(hasCode(await loop, 'Cancelled').message, /why/);
    await until('nothing is left', () => rt.getStats().records === 0);
    assert.equal(counter.listeners, 0);
    assertAtRest(rt);
  }
  const { rt } = await setUp(t, [calls(['slow', {}])]);
  const error = hasCode(await rejection(rt.llmTools('x', { tools: [{ name: 'slow', run: (_args, ctx) => forever(ctx) }], timeout: 300 })), 'Timeout');
  assert.equal(error.ms, 300);
  assert.equal(rt.clock.now(), 300);
  await turns();
  assertAtRest(rt);
});

test('explain says that an agent waits for its loop, and a tool for what it waits for', async (t) => {
  const entered = deferred();
  const rt = await open(t, { provider: heddle.simulated({ latency: 0, script: () => calls(['slow', {}]) }) });
  const slow = { name: 'slow', run: (_args, ctx) => (entered.resolve(), forever(ctx)) };
  const agent = rt.submit((ctx) => ctx.llmTools('x', { tools: [slow] }), { name: 'agent' });
  const cancelled = rejection(agent.promise);
  await entered.promise;
  await turns();
  assert.match(rt.explain(agent.id).map(({ text }) => text).join('\n'), /"llmTools"/);
  const tool = rt.getAllTasks().find(({ name }) => name === 'tool:slow');
  assert.equal(rt.explain(tool.id)[0].reason, 'delay');
  agent.cancellationToken.cancel();
  await cancelled;
});

test('two loops at once in one task do not disturb each other', async (t) => {
  const { rt } = await setUp(t, [calls(['add', { a: 1, b: 2 }]), 'done']);
  const throws = { name: 'add', run: () => { throw new Error('x'); } };
  const task = rt.submit(async (ctx) => {
    const [bad, good] = await Promise.allSettled([ctx.llmTools('a', { tools: [throws], onToolError: 'throw' }), ctx.llmTools('b', { tools: [add] })]);
    return [bad.reason.code, good.value.text];
  });
  assert.deepEqual(await task.promise, ['ToolLoop', 'done']);
  assertAtRest(rt);
});

test('tools is for types only: it gives the definition back', () => {
  assert.equal(heddle.tool(add), add);
});

test('plain calls pass tools through, and the result says what the model wants called', async (t) => {
  const { rt, requests } = await setUp(t, [calls(['add', { a: 1, b: 2 }])]);
  const result = await rt.llm('x', { tools: [add, { name: 'other' }], toolChoice: { name: 'add' } });
  assert.deepEqual(result.toolCalls, [{ id: 'c1', name: 'add', arguments: '{"a":1,"b":2}' }]);
  assert.equal(result.text, '');
  assert.deepEqual(requests[0].tools, [{ name: 'add', description: 'a + b', parameters: numbers }, { name: 'other' }]);
  assert.deepEqual(requests[0].toolChoice, { name: 'add' });
  // With a form, too: an answer that asks for tools has none yet.
  const both = await rt.llm('x', { tools: [add], schema: numbers });
  assert.deepEqual([both.value, both.toolCalls.length], [undefined, 1]);
  assertAtRest(rt);
});

test('bad tools and options are refused at the call, and nothing is asked', async (t) => {
  const { rt, requests } = await setUp(t, ['x']);
  const run = () => {};
  const bad = [
    [5, /options\.tools must be an array/],
    [[5], /options\.tools\[0\] must be an object/],
    [[null], /options\.tools\[0\] must be an object/],
    [[{ run }], /options\.tools\[0\]\.name must be 1 to 64/],
    [[{ name: 'a b', run }], /options\.tools\[0\]\.name must be 1 to 64 letters, digits, _ and -, got "a b"/],
    [[{ name: 'x'.repeat(65), run }], /\.name must be/],
    [[add, { name: 'add', run }], /options\.tools\[1\]\.name is "add", as another tool's is/],
    [[{ name: 'a', run, description: 5 }], /options\.tools\[0\]\.description must be a string/],
    [[{ name: 'a', run, parameters: { type: 'objekt' } }], /options\.tools\[0\]\.parameters is no JSON Schema/],
    [[{ name: 'a', run, parameters: { type: 'array' } }], /options\.tools\[0\]\.parameters must describe an object/],
    [[{ name: 'a', run, parameters: z.object({ at: z.date() }) }], /options\.tools\[0\]\.parameters is of a library that cannot write it/],
    [[{ name: 'a', run, timeout: -1 }], /options\.tools\[0\]\.timeout/],
    [[{ name: 'a', run, strict: true }], /options\.tools\[0\]\.strict is not a tool's; there are name/],
  ];
  for (const [tools, message] of bad) {
    for (const operation of ['llm', 'llmTools']) {
      const error = hasCode(await rejection(rt[operation]('x', { tools })), 'ArgumentError');
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`${operation}: `), error.message);
    }
  }
  const refused = async (options) => hasCode(await rejection(rt.llmTools('x', options)), 'ArgumentError').message;
  assert.match(await refused(undefined), /the second argument must be an object with tools/);
  assert.match(await refused({}), /options\.tools must be an array/);
  assert.match(await refused({ tools: [{ name: 'a' }] }), /options\.tools\[0\]\.run must be a function/);
  for (const maxRounds of [0, 1.5, '3', null]) assert.match(await refused({ tools: [add], maxRounds }), /options\.maxRounds/);
  for (const toolConcurrency of [0, 1.5, '3']) assert.match(await refused({ tools: [add], toolConcurrency }), /options\.toolConcurrency/);
  assert.match(await refused({ tools: [add], onToolError: 'ignore' }), /options\.onToolError/);
  assert.match(await refused({ tools: [add], toolChoice: 'any' }), /options\.toolChoice must be/);
  assert.match(await refused({ tools: [add], toolChoice: { name: 'sub' } }), /options\.toolChoice names "sub"/);
  assert.match(await refused({ tools: [], toolChoice: 'required' }), /options\.toolChoice chooses among options\.tools/);
  assert.match(await refused({ tools: [add], rounds: 3 }), /rounds is no option/);
  assert.match(await refused({ tools: [add], repair: 7, json: true }), /options\.repair/);
  assert.match(await refused({ tools: [add], timeout: -1 }), /options\.timeout/);
  assert.match(await refused({ tools: [add], signal: 5 }), /options\.signal/);
  hasCode(await rejection(rt.llmTools(5, { tools: [add] })), 'ArgumentError');
  for (const message of [{ toolCalls: 5 }, { toolCalls: [{ id: 1 }] }, { toolCallId: 5 }]) {
    hasCode(await rejection(rt.llm([{ role: 'assistant', content: '', ...message }])), 'ArgumentError');
  }
  assert.equal(requests.length, 0);
  await rt.close();
  hasCode(await rejection(rt.llmTools('x', { tools: [add] })), 'Closed');
});

for (const protocol of protocols) {
  test(`a loop over HTTP, with the ${protocol} protocol`, async (t) => {
    const bodies = [];
    const respond = (request, n) => {
      bodies.push(request);
      return n === 1 ? { text: 'Let me see.', toolCalls: [{ id: 'c1', name: 'add', arguments: '{"a":1,"b":2}' }, { id: 'c2', name: 'gone', arguments: '{}' }] } : 'It is 3.';
    };
    const { server, rt } = await connected(t, { respond }, { protocol });
    const result = await rt.submit((ctx) => ctx.llmTools('1 + 2?', { tools: [add] })).promise;
    assert.equal(result.text, 'It is 3.');
    assert.deepEqual(result.toolCalls.map(({ call, result: value, error }) => [call.id, call.name, value, error?.code]), [
      ['c1', 'add', 3, undefined],
      ['c2', 'gone', undefined, 'ArgumentError'],
    ]);
    assert.equal(bodies.length, 2);
    const sent = JSON.stringify(bodies[1]);
    assert.ok(sent.includes('c1') && sent.includes('there is no tool'), sent);
    await assertNothingLeft(rt, server);
  });
}

test('a crowd of agents with few slots, under failures, timeouts and cancels: each ends, and nothing is left', async (t) => {
  const tools = [
    add,
    { name: 'slow', run: (_args, ctx) => ctx.delay(ctx.random() * 200), timeout: 150 },
    { name: 'fails', run: () => { throw new Error('no'); } },
    { name: 'nested', run: (_args, ctx) => ctx.llmTools('inner', { tools: [add], maxRounds: 2 }).then(({ text }) => text) },
  ];
  let n = 0;
  const script = (request) => {
    n++;
    if (n % 11 === 0) return { error: { status: 503 } };
    const rounds = request.messages.filter(({ role }) => role === 'assistant').length;
    if (rounds > (n % 4)) return 'done';
    const names = request.tools.length === 1 ? ['add'] : ['add', 'slow', 'fails', 'nested', 'gone'].slice(n % 3, 2 + (n % 4));
    return calls(...names.map((name) => [name, { a: n, b: 1 }]));
  };
  const rt = await open(t, { clock: 'virtual', seed: 5, maxConcurrentTasks: 3, maxConcurrentLLMCalls: 4, retry: { maxAttempts: 3 }, provider: heddle.simulated({ latency: { min: 10, max: 90 }, script }) });
  const agents = Array.from({ length: 120 }, (_, i) => {
    const onToolError = i % 5 === 0 ? 'throw' : 'report';
    const agent = rt.submit((ctx) => ctx.llmTools(`agent ${i}`, { tools, maxRounds: 4, onToolError, toolConcurrency: 1 + (i % 3), ...(i % 9 === 0 && { timeout: 300 }) }), { name: `agent ${i}` });
    if (i % 7 === 0) rt.submit(async (ctx) => { await ctx.delay(i * 20); agent.cancellationToken.cancel('enough'); });
    return agent;
  });
  const rows = await rt.awaitAllSettled(agents);
  const kinds = {};
  for (const { status, value, reason } of rows) {
    const kind = status === 'fulfilled' ? value.text : reason.code;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    const messages = value?.messages ?? (reason.code === 'ToolLoop' ? reason.messages : []);
    // Every tool call in a conversation has its result.
    const asked = messages.flatMap(({ toolCalls = [] }) => toolCalls).length;
    assert.equal(messages.filter(({ role }) => role === 'tool').length, asked);
  }
  for (const kind of ['done', 'ToolLoop', 'Timeout', 'Cancelled']) assert.ok(kinds[kind] > 0, JSON.stringify(kinds));
  await rt.onIdle();
  await turns();
  assertAtRest(rt);
});
