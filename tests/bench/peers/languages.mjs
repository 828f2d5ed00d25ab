// Languages that run a program's text: each entry prepares an engine and gives `{run(), close()}`, where `run()`
// evaluates the whole text once more and gives its value. Programs are in programs/, one text a dialect.
//
// `lua` and `guile` are native, where the machine has them: not competitors in a page, but a measure of what is
// possible. They time themselves, so that the start of their process is not counted, and Guile compiles first.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openHeddle } from './heddle.mjs';

const folder = new URL('../programs/', import.meta.url);

/** The text of a program in a dialect: `scm`, `lua` or `js`. */
export const textOf = (program, dialect) => readFileSync(new URL(`${program}.${dialect}`, folder), 'utf8');

const timed = (output) => {
  const [value, ms] = output.trim().split(' ');
  return { value: Number(value), metrics: { time: Number(ms) } };
};

export const languages = {
  async heddle(program) {
    const rt = await openHeddle({});
    const text = textOf(program, 'scm');
    return { run: () => rt.run(text).promise, close: () => rt.close() };
  },

  async wasmoon(program) {
    const { LuaFactory } = await import('wasmoon');
    const lua = await new LuaFactory().createEngine();
    const text = textOf(program, 'lua');
    // The asynchronous doString() makes a thread a call and keeps it.
    return { run: () => lua.doStringSync(text), close: () => lua.global.close() };
  },

  async quickjs(program) {
    const [{ newQuickJSWASMModuleFromVariant }, { default: variant }] = await Promise.all([
      import('quickjs-emscripten-core'),
      import('@jitl/quickjs-wasmfile-release-sync'),
    ]);
    const quickjs = await newQuickJSWASMModuleFromVariant(variant);
    const text = `(() => { 'use strict'; return eval(${JSON.stringify(textOf(program, 'js'))}); })()`;
    return {
      run() {
        const context = quickjs.newContext();
        try {
          const value = context.unwrapResult(context.evalCode(text));
          const result = context.dump(value);
          value.dispose();
          return result;
        } finally {
          context.dispose();
        }
      },
    };
  },

  async biwascheme(program) {
    const { default: biwa } = await import('biwascheme');
    const text = textOf(program, 'scm');
    return { run: () => new biwa.Interpreter(() => {}).evaluate(text) };
  },

  async lua(program) {
    const script = `local text = ${luaString(textOf(program, 'lua'))}
local run = load(text)
local start = os.clock()
local value = run()
print(string.format("%d %f", value, (os.clock() - start) * 1000))`;
    return { run: () => timed(execFileSync('lua5.4', ['-'], { input: script, encoding: 'utf8' })) };
  },

  async guile(program) {
    const script = `(use-modules (system base compile))
(define run (compile '(lambda () ${textOf(program, 'scm')}) #:env (current-module)))
(define start (get-internal-real-time))
(define value (run))
(define ms (/ (- (get-internal-real-time) start) (/ internal-time-units-per-second 1000.0)))
(display value) (display " ") (display ms)`;
    return { run: () => timed(execFileSync('guile', ['--no-auto-compile', '-c', script], { encoding: 'utf8' })) };
  },
};

const luaString = (text) => `[==[\n${text}]==]`;

/** Whether a result is the value that the program must have. */
export const isValue = (result, value) => Number(typeof result === 'object' ? result?.value : result) === value;
