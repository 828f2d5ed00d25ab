/**
 * The page: makes a runtime, runs the program, and draws every frame what the runtime says of it.
 *
 *   loading -> idle -> running -> ended -> running ...
 *
 * Frames are asked for only while a run goes on. Partners: program.ts (what runs), timeline.ts (how it is drawn), controls.ts.
 */

import { createRuntime, type Runtime, type RuntimeConfig, type RuntimeStats } from 'heddle';
import { limits, watchControls, weather } from './controls.js';
import { byId, element, setText } from './dom.js';
import { barPhases, isSettled, look, phases, type Phase } from './phases.js';
import { digest, liveModel, plan } from './program.js';
import { calls, place, Row, rows, slots } from './timeline.js';

const stage = document.querySelector('main')!;
const status = byId('status');
const cancelAll = byId('cancel-all');

/** How often the status line may speak to a screen reader while a run goes on, in milliseconds. */
const statusPace = 2000;

let start = 0;
let spokenAt = 0;
let chosen: Row | undefined;
let generation = 0;

// --- What is there before any run ---

const counts: [string, (stats: RuntimeStats) => number][] = [
  ['pending', (stats) => stats.pendingTasks],
  ['running', (stats) => stats.runningTasks],
  ['suspended', (stats) => stats.suspendedTasks],
  ['in LLM queue', (stats) => stats.waitingLLMCalls],
  ['in flight', (stats) => stats.concurrentLLMCalls],
  ['backoff', (stats) => stats.backoffLLMCalls],
  ['last minute', ({ gates }) => gates.reduce((sum, { requests }) => sum + requests, 0)],
  ['completed', () => rows.filter(({ phase }) => phase === 'completed').length],
  ['failed', () => rows.filter(({ phase }) => phase === 'error').length],
  ['cancelled', () => rows.filter(({ phase }) => phase === 'cancelled').length],
  ['retries', (stats) => stats.llmRetries - retriesBefore],
];
let retriesBefore = 0;

const tiles = counts.map(([name]) => {
  const value = element('dd', '', '0');
  const tile = element('div', '', element('dt', '', name), value);
  tile.dataset['count'] = name;
  byId('stats').append(tile);
  return value;
});
byId('legend').append(
  ...[...barPhases, 'completed', 'error', 'cancelled'].map((phase) => element('li', phase, element('i'), phases[phase as Phase])),
);
byId('meters').append(slots.item, calls.item);
byId('fibers').append(...rows.map((row) => row.item));
place(0, 0);

// --- The runtime ---

const asked = new URLSearchParams(location.search).get('variant') ?? 'auto';

try {
  const rt = await createRuntime({
    variant: asked as NonNullable<RuntimeConfig['variant']>,
    provider: liveModel(weather),
    retry: { baseDelay: 400, maxDelay: 2000 },
    ...limits(),
  });
  for (const link of document.querySelectorAll<HTMLElement>('[data-variant]')) {
    if (link.dataset['variant'] === rt.variant) link.setAttribute('aria-current', 'true');
  }
  stage.dataset['variant'] = rt.variant;
  serve(rt);
} catch (error) {
  const problem = byId('problem');
  problem.textContent = (error as Error).message;
  problem.hidden = false;
  stage.dataset['run'] = 'failed';
}

function serve(rt: Runtime): void {
  watchControls(() => {
    rt.configure(limits());
    if (stage.dataset['run'] !== 'running') return;
    slots.see(rt.clock.now(), rt.getStats().slots, limits().maxConcurrentTasks);
  });
  byId('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    void run(rt);
  });
  cancelAll.addEventListener('click', () => rt.cancelAll('you asked for it'));
  for (const row of rows) {
    row.cancel.addEventListener('click', () => {
      if (row.task !== undefined) rt.cancel(row.task.id, 'you asked for it');
    });
    row.name.addEventListener('click', () => {
      chosen = chosen === row ? undefined : row;
      for (const each of rows) each.name.setAttribute('aria-pressed', String(each === chosen));
      explain(rt);
      setText(status, [...byId('why-text').children].map((line) => line.textContent).join(': '));
      spokenAt = performance.now();
    });
  }
  stage.dataset['run'] = 'idle';
  setText(status, `Ready: ${plan.length} fibers, 20 calls.`);
}

async function run(rt: Runtime): Promise<void> {
  const mine = ++generation;
  rt.cancelAll('run again');
  for (const row of rows) row.clear();
  calls.clear();
  slots.clear();
  rt.configure(limits());
  retriesBefore = rt.getStats().llmRetries;
  start = rt.clock.now();
  stage.dataset['run'] = 'running';
  setText(byId('run'), 'Run again');
  cancelAll.setAttribute('aria-disabled', 'false');
  const task = digest(rt, (made) => {
    if (mine === generation) rows.find(({ planned }) => planned.name === made.name)!.task = made;
  });
  const frame = (): void => {
    if (mine !== generation) return;
    // A cancelled body holds its slot until it has ended.
    const goesOn = draw(rt).slots > 0 || rows.some(({ task: each, phase }) => each !== undefined && !isSettled(phase));
    if (goesOn) {
      requestAnimationFrame(frame);
      return;
    }
    stage.dataset['run'] = 'ended';
    cancelAll.setAttribute('aria-disabled', 'true');
    speak(rt, true);
  };
  frame();
  // How it ended is on the timeline.
  await task.promise.catch(() => {});
}

// --- A frame ---

/** Draws this instant; gives the counts that were drawn. */
function draw(rt: Runtime): RuntimeStats {
  const stats = rt.getStats();
  const now = rt.clock.now();
  for (const row of rows) {
    if (row.task !== undefined) row.see(look(rt, row.task), now);
  }
  const { maxConcurrentTasks, maxConcurrentLLMCalls } = limits();
  slots.see(now, stats.slots, maxConcurrentTasks);
  calls.see(now, stats.concurrentLLMCalls, maxConcurrentLLMCalls);
  place(start, now);
  counts.forEach(([, count], i) => setText(tiles[i]!, String(count(stats))));
  explain(rt);
  speak(rt, false);
  return stats;
}

function explain(rt: Runtime): void {
  const text = byId('why-text');
  if (chosen === undefined) {
    text.replaceChildren(element('p', '', 'Choose a fiber on the timeline to see what it waits for.'));
    return;
  }
  const { task, planned } = chosen;
  const lines: HTMLElement[] = [element('h3', '', planned.name)];
  if (task === undefined) {
    lines.push(element('p', '', 'It was not submitted in this run.'));
  } else {
    for (const { text: why } of rt.explain(task.id)) lines.push(element('p', '', why));
    if (task.error !== undefined) lines.push(element('p', 'failure', task.error.message));
    if (typeof task.result === 'string') lines.push(element('blockquote', '', task.result));
  }
  text.replaceChildren(...lines);
}

function speak(rt: Runtime, ended: boolean): void {
  const now = performance.now();
  if (!ended && now - spokenAt < statusPace) return;
  spokenAt = now;
  const number = (phase: Phase): number => rows.filter((row) => row.phase === phase).length;
  const done = number('completed') + number('error') + number('cancelled');
  const outcome = `${number('completed')} completed, ${number('error')} failed, ${number('cancelled')} cancelled`;
  const seconds = ((rt.clock.now() - start) / 1000).toFixed(1);
  setText(
    status,
    ended
      ? `Ended after ${seconds} s: ${outcome}, ${rt.getStats().llmRetries - retriesBefore} retries; at most ${slots.peak} tasks with a slot and ${calls.peak} calls in flight.`
      : `${done} of ${rows.length} fibers are over, ${number('flight')} calls in flight, ${number('queue')} waiting.`,
  );
}
