// Several runtimes in one process: each has its own tasks, limits, clock and random numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import {
  assertAtRest,
  assertConsistent,
  deferred,
  hasCode,
  rejection,
  thrown,
  turns,
  until,
} from '../support/tasks.mjs';

test('ten at once work side by side and do not see each other', async (t) => {
  const runtimes = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      open(t, { maxConcurrentTasks: i + 1, clock: i % 2 ? 'virtual' : 'real', seed: i }),
    ),
  );
  const most = Array(10).fill(0);
  const now = Array(10).fill(0);
  const work = runtimes.map((rt, i) =>
    rt.awaitAll(
      Array.from({ length: 30 }, (_, k) =>
        rt.submit(async (ctx) => {
          most[i] = Math.max(most[i], ++now[i]);
          await ctx.yield();
          if (i % 2) await ctx.delay(k * 100);
          now[i]--;
          return `${i}.${k}`;
        }),
      ),
    ),
  );
  for (const [i, results] of (await Promise.all(work)).entries()) {
    assert.deepEqual(
      results,
      Array.from({ length: 30 }, (_, k) => `${i}.${k}`),
    );
    assert.equal(most[i], i + 1);
    assert.equal(runtimes[i].getStats().completedTasks, 30);
    assertAtRest(runtimes[i]);
    assertConsistent(runtimes[i]);
  }
});

test('one that is closed or fails does not touch the others', async (t) => {
  const [a, b] = [await open(t), await open(t)];
  const gate = deferred();
  const task = b.submit(() => gate.promise);
  await until('it runs', () => task.state === 'running');
  a.cancelAll();
  await a.close();
  assert.equal(task.state, 'running');
  gate.resolve('b');
  assert.equal(await task.promise, 'b');
});

test('a task of one may await a task of the other by its promise', async (t) => {
  const [a, b] = [await open(t, { maxConcurrentTasks: 1 }), await open(t, { maxConcurrentTasks: 1 })];
  const inner = b.submit(async (ctx) => (await ctx.yield(), 'inner'));
  assert.equal(await a.submit(() => inner.promise).promise, 'inner');
  assert.equal(await a.submit(() => b.await(inner)).promise, 'inner');
});

test('contexts and tasks of another runtime are refused everywhere', async (t) => {
  const [a, b] = [await open(t), await open(t)];
  const task = b.submit(() => 1);
  const refusals = await b.submit(async (foreign) => {
    const gathered = [];
    const attempt = async (fn) => {
      try {
        await fn();
        gathered.push('went through');
      } catch (error) {
        gathered.push(error.code);
      }
    };
    for (const fn of [
      () =>
        a.await(
          a.submit(() => 1),
          { ctx: foreign },
        ),
      () => a.awaitAll([], { ctx: foreign }),
      () => a.awaitAllSettled([], { ctx: foreign }),
      () => a.awaitAny([a.submit(() => 1)], { ctx: foreign }),
      () => a.race([a.submit(() => 1)], { ctx: foreign }),
      () => a.delay(1, foreign),
      () => a.delay(1, { ctx: foreign }),
      () => a.yield(foreign),
      () => a.llm('x', { ctx: foreign }),
      () => a.llmStream('x', { ctx: foreign }),
      () => a.scope(() => 1, { ctx: foreign }),
      () => a.mapConcurrent([1], (x) => x, { ctx: foreign }),
      () => a.checkCancellation(foreign),
      () => a.submit(() => 1, { parent: task }),
      () => a.await(task),
      () => a.awaitAny([task]),
      () => a.getTask(task),
      () => a.forget(task),
      () => a.cancel(task),
      () => a.explain(task),
    ]) {
      await attempt(fn);
    }
    return gathered;
  }).promise;
  assert.deepEqual(refusals, Array(20).fill('ArgumentError'));
  await turns();
  assertAtRest(a);
});

test('the module is compiled once; bytes and modules from elsewhere are taken', async (t) => {
  const { readFile } = await import('node:fs/promises');
  const bytes = await readFile(new URL('../../dist/wasm/heddle-asyncify.wasm', import.meta.url));
  const module = await WebAssembly.compile(bytes);
  for (const config of [
    { wasmBinary: bytes },
    { wasmBinary: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) },
    { wasmModule: module },
  ]) {
    const rt = await heddle.createRuntime(config);
    assert.equal(rt.variant, 'asyncify', 'the bytes say which build they are');
    assert.equal(await rt.submit(() => 'runs').promise, 'runs');
    await rt.close();
  }
});

test('bytes that are no build are a typed error, and do no harm', async (t) => {
  for (const wasmBinary of [
    new Uint8Array(0),
    new Uint8Array([1, 2, 3, 4]),
    new TextEncoder().encode('<!doctype html>'),
  ]) {
    hasCode(await rejection(heddle.createRuntime({ wasmBinary })), 'LoadError');
  }
  const rt = await open(t);
  assert.equal(await rt.submit(() => 'fine').promise, 'fine');
  assert.equal(thrown(() => rt.getTask('nonsense')).code, 'ArgumentError');
});
