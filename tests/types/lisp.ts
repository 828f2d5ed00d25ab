// The Lisp as its users' programs see it; it must compile as it stands.
import {
  closed,
  ConversionError,
  createRuntime,
  lispTrace,
  LispError,
  type Context,
  type DefineOptions,
  type EvalOptions,
  type LispFrame,
  type LispPosition,
  type LispTrace,
  type RunOptions,
  type Task,
} from 'heddle';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

const options: RunOptions = {
  name: 'analyse.scm',
  args: ['a', { b: [1, null] }],
  globals: { limit: 5 },
  heapLimit: 64_000_000,
  budgets: { stepsLeft: 1_000_000 },
  output: (text) => console.log(text.length),
  timeout: 1000,
  priority: 2,
  signal: AbortSignal.timeout(5),
};

export async function program(): Promise<void> {
  await using rt = await createRuntime({ clock: 'virtual' });

  const task = rt.run('(+ 1 2)', options);
  same<typeof task, Task<unknown>>(true);
  const sum: number = await rt.run<number>('(+ 1 2)').promise;
  const evaluation: EvalOptions = { name: 'cell', globals: { x: 1 } };
  const shared: Task<unknown> = rt.eval('(define x 1)', evaluation);

  rt.define('double', (x: number) => x * 2);
  rt.define('page', async (ctx: Context, url: string) => (await fetch(url, { signal: ctx.signal })).text(), { withContext: true });
  const define: DefineOptions = { withContext: false };
  rt.define('plain', () => undefined, define);

  const child = rt.submit((ctx) => ctx.await(ctx.run<string>('"text"')));
  same<typeof child, Task<string>>(true);

  try {
    await shared.promise;
  } catch (error) {
    if (error instanceof LispError) {
      const position: LispPosition | undefined = error.position;
      const frames: readonly LispFrame[] = error.backtrace;
      console.log(position?.file, frames[0]?.procedure, error.irritants.length, error.payload, error.code, sum);
    }
    if (error instanceof ConversionError) console.log(error.path.length);
    const trace: LispTrace | undefined = lispTrace(error);
    console.log(trace?.position?.line);
  }
  const value: unknown = await task.promise;
  if (value === closed) console.log('ended');
}

export function refused(rt: Awaited<ReturnType<typeof createRuntime>>): void {
  // @ts-expect-error a program is a text
  rt.run(5);
  // @ts-expect-error no such option
  rt.run('1', { nonsense: true });
  // @ts-expect-error there are no profiles yet
  rt.run('1', { profile: 'strict' });
  // @ts-expect-error for programs, not for evaluations
  rt.eval('1', { args: [] });
  // @ts-expect-error a function is needed
  rt.define('f', 5);
}
