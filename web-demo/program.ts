/**
 * The program that the page runs: a digest of four topics with four sources each. Every source is a task with one LLM call;
 * every topic is a task that waits for its sources and merges them with one more: twenty calls, 21 fibers.
 *
 * The plan is known before the run, so that the page shows every fiber from the start.
 */

import { simulated, type Context, type LLMRequest, type Runtime, type SimulatedProvider, type Task } from 'heddle';

export interface Planned {
  name: string;
  depth: number;
  priority: number;
}

const topics = [
  { name: 'Markets', priority: 0 },
  { name: 'Science', priority: 2 },
  { name: 'Culture', priority: 1 },
  { name: 'Sport', priority: 3 },
];
const sources = ['agency', 'newspaper', 'blog', 'archive'];

/** Every fiber of a run, in the order of the tree; names are unique. */
export const plan: readonly Planned[] = [
  { name: 'Digest', depth: 0, priority: 0 },
  ...topics.flatMap(({ name, priority }) => [
    { name, depth: 1, priority },
    ...sources.map((source) => ({ name: `${name}: ${source}`, depth: 2, priority })),
  ]),
];

export interface Weather {
  /** Mean latency in milliseconds, and share of the attempts that fail; read at each attempt. */
  latency(): number;
  failures(): number;
}

/** A simulated model whose latency and failures may change while it answers. */
export function liveModel(weather: Weather): SimulatedProvider {
  return simulated({
    script(request, attempt) {
      const lot = lotOf(request, attempt);
      const latencyMs = weather.latency() * (0.4 + 1.2 * lot());
      return lot() < weather.failures() ? { latencyMs, error: { status: 503, message: 'the simulated model is overloaded' } } : { latencyMs };
    },
  });
}

// Mulberry32 over the prompt and the attempt: the same request has the same fate in every run.
function lotOf(request: LLMRequest, attempt: number): () => number {
  let state = attempt * 0x9e3779b9;
  for (const char of String(request.messages[0]?.content)) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Starts a run; `submitted` is told of each task at once. */
export function digest(rt: Runtime, submitted: (task: Task) => void): Task {
  const tell = <T>(task: Task<T>): Task<T> => {
    submitted(task as Task);
    return task;
  };

  const readSource = async (ctx: Context): Promise<string> => (await ctx.llm(`Summarize ${ctx.task.name}`)).text;

  const digestTopic = async (ctx: Context): Promise<string> => {
    const topic = ctx.task.name!;
    const parts = sources.map((source) => tell(ctx.submit(readSource, { name: `${topic}: ${source}`, key: topic })));
    // A source that fails or is cancelled is left out.
    const rows = await ctx.awaitAllSettled(parts);
    const texts = rows.filter((row) => row.status === 'fulfilled').map((row) => row.value);
    if (texts.length === 0) throw new Error(`no source of ${topic} could be read`);
    return (await ctx.llm(`Merge ${texts.length} summaries of ${topic}`)).text;
  };

  return tell(
    rt.submit(
      async (ctx) => {
        const parts = topics.map(({ name, priority }) => tell(ctx.submit(digestTopic, { name, priority, key: name })));
        const rows = await ctx.awaitAllSettled(parts);
        return `${rows.filter((row) => row.status === 'fulfilled').length} of ${rows.length} topics`;
      },
      { name: 'Digest' },
    ) as Task,
  );
}
