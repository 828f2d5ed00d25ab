// Structured output, tools and batching, as a program in TypeScript meets them: the value's type follows from the schema.
import {
  BatchError,
  Batcher,
  StructuredOutputError,
  tool,
  ToolLoopError,
  type BatchFunction,
  type BatcherOptions,
  type JSONSchema,
  type LLMMessage,
  type LLMOptions,
  type LLMResult,
  type LLMToolCall,
  type Runtime,
  type SchemaProblem,
  type StandardSchema,
  type StructuredResult,
  type Tool,
  type ToolLoopResult,
  type ToolRun,
} from 'heddle';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(is: Same<A, B>): boolean => is;

interface Person {
  name: string;
}
declare const person: StandardSchema<{ name: unknown }, Person>;
declare const functional: StandardSchema<unknown, number> & (() => void);

export async function program(rt: Runtime): Promise<void> {
  // --- The value ---
  const found = await rt.llm('who?', { schema: person, schemaName: 'person', repair: 2 });
  same<typeof found.value, Person>(true);
  same<typeof found, StructuredResult<Person>>(true);
  same<Awaited<ReturnType<typeof rt.llm>>, LLMResult>(true);
  const json = await rt.llm('who?', { json: true });
  same<typeof json.value, unknown>(true);
  const named = await rt.llm<Person>('who?', { schema: { type: 'object' } });
  same<typeof named.value, Person>(true);
  const untyped = await rt.llm('who?', { schema: { type: 'object' } as JSONSchema });
  same<typeof untyped.value, unknown>(true);
  const options: LLMOptions = { maxTokens: 5 };
  const plain = await rt.llm('who?', options);
  same<typeof plain, LLMResult>(true);
  const toolCalls: readonly LLMToolCall[] | undefined = (await rt.llm('x', { tools: [{ name: 'f' }], toolChoice: { name: 'f' } })).toolCalls;

  rt.submit(async (ctx) => {
    const { value } = await ctx.llm([{ role: 'user', content: 'who?' }], { schema: functional });
    same<typeof value, number>(true);
    const streamed: unknown = (await ctx.llmStream('who?', { schema: person }).result).value;
    return streamed;
  });

  // --- Tools ---
  const typed = tool({
    name: 'greet',
    description: 'Greets a person',
    parameters: person,
    timeout: 5,
    run: async (args, ctx) => {
      same<typeof args, Person>(true);
      await ctx.delay(1);
      return `hello ${args.name}`;
    },
  });
  const free = tool<{ n: number }>({ name: 'count', parameters: { type: 'object' }, run: ({ n }) => n + 1 });
  const tools: Tool[] = [typed, free, { name: 'now', run: (_args, ctx) => ctx.now() }];
  const loop = await rt.llmTools('hello', { tools, maxRounds: 3, toolConcurrency: 2, onToolError: 'throw', toolChoice: 'required', temperature: 0 });
  same<typeof loop, ToolLoopResult<unknown>>(true);
  const runs: readonly ToolRun[] = loop.toolCalls;
  const messages: readonly LLMMessage[] = loop.messages;
  const last: LLMResult = loop.result;
  rt.submit(async (ctx) => {
    const { value } = await ctx.llmTools(messages, { tools, schema: person });
    same<typeof value, Person>(true);
    return (await ctx.llmTools<Person>('x', { tools, schema: { type: 'object' } })).value.name;
  });

  // --- Batches ---
  const embed: BatchFunction<string, number[]> = async (texts, ctx) => {
    await ctx.delay(1);
    return texts.map((text) => (text === '' ? new Error('empty') : [text.length]));
  };
  const how: BatcherOptions<string> = { maxItems: 5, maxDelay: 10, maxConcurrent: 2, weigh: (text) => text.length, maxWeight: 100, timeout: 5, name: 'embed' };
  const batcher = rt.batcher(embed, how);
  same<typeof batcher, Batcher<string, number[]>>(true);
  const vector = await batcher.add('text', { timeout: 5, signal: new AbortController().signal });
  same<typeof vector, number[]>(true);
  const inferred = rt.batcher((items: readonly number[]) => items.map((n) => (n > 0 ? String(n) : new Error('no'))));
  same<typeof inferred, Batcher<number, string>>(true);
  const generated = rt.batcher(function* (items: readonly number[], ctx) {
    yield ctx.delay(1);
    return items;
  });
  same<typeof generated, Batcher<number, number>>(true);
  rt.submit(async (ctx) => batcher.add('text', ctx));
  await batcher.flush();
  await batcher.close();

  // --- Errors ---
  try {
    await rt.llm('x');
  } catch (error) {
    if (error instanceof StructuredOutputError) {
      const problems: readonly SchemaProblem[] = error.problems;
      [error.text, problems[0]?.path, error.finishReason, error.usage.inputTokens, error.attempts];
    }
    if (error instanceof ToolLoopError) same<typeof error.reason, 'rounds' | 'tool'>(true);
    if (error instanceof BatchError) [error.expected.toFixed(), error.received];
  }

  // --- What must not compile ---
  // @ts-expect-error The value is a person.
  const wrong: number = found.value;
  // @ts-expect-error A schema is an object.
  await rt.llm('x', { schema: 'person' });
  // @ts-expect-error Repairs are counted.
  await rt.llm('x', { json: true, repair: true });
  // @ts-expect-error A loop has tools.
  await rt.llmTools('x', {});
  // @ts-expect-error A loop's tools can run.
  await rt.llmTools('x', { tools: [{ name: 'f' }] });
  // @ts-expect-error There is no such way with errors.
  await rt.llmTools('x', { tools, onToolError: 'ignore' });
  // @ts-expect-error The batch's items are texts.
  await batcher.add(5);
  // @ts-expect-error A batch's function gives one result an item.
  rt.batcher((items: readonly number[]) => items.length);
  // @ts-expect-error Batchers come from a runtime.
  new Batcher(rt, embed, how);

  [toolCalls, runs, last, wrong];
}
