// Case j: a million yields, shared by 2, 1,000 or 100,000 fibers of a Lisp program; the spawn and the join are in the
// time. Beside it coroutines of Lua in WebAssembly, resumed by a scheduler written in Lua, and natively.

import { execFileSync } from 'node:child_process';
import { openHeddle } from '../peers/heddle.mjs';

const yields = 1_000_000;

const scheme = (n) => `
(define turns 0)
(define (body count)
  (lambda ()
    (let loop ((i 0))
      (if (< i count)
          (begin (set! turns (+ turns 1))
                 (fiber/yield)
                 (loop (+ i 1)))))))
(define thunk (body ${yields / n}))
(let spawn ((i 0) (fibers '()))
  (if (< i ${n})
      (spawn (+ i 1) (cons (fiber/spawn thunk) fibers))
      (for-each fiber/join fibers)))
turns`;

const lua = (n) => `
local turns = 0
local function body()
  for _ = 1, ${yields / n} do
    turns = turns + 1
    coroutine.yield()
  end
end
local ready = {}
for i = 1, ${n} do ready[i] = coroutine.create(body) end
local resume, status = coroutine.resume, coroutine.status
while #ready > 0 do
  local next = {}
  for i = 1, #ready do
    resume(ready[i])
    if status(ready[i]) ~= "dead" then next[#next + 1] = ready[i] end
  end
  ready = next
end
return turns`;

export default {
  letter: 'j',
  title: 'Lisp: fibers that yield a million times in all',
  unit: 'ns/yield',
  sizes: [2, 1_000, 100_000, 1_000_000],
  divideBy: () => yields,
  peers: {
    async heddle(n) {
      const rt = await openHeddle({});
      return { run: () => rt.run(scheme(n)).promise, close: () => rt.close() };
    },
    async wasmoon(n) {
      const { LuaFactory } = await import('wasmoon');
      const engine = await new LuaFactory().createEngine();
      return { run: () => engine.doStringSync(lua(n)) };
    },
    async lua(n) {
      const input = `local function main() ${lua(n)} end
local start = os.clock()
local turns = main()
print(string.format("%d %f", turns, (os.clock() - start) * 1e9 / ${yields}))`;
      return {
        run() {
          const [turns, time] = execFileSync('lua5.4', ['-'], { input, encoding: 'utf8' }).split(' ').map(Number);
          return { turns, metrics: { time } };
        },
      };
    },
  },
  check: (result) => Number(result?.turns ?? result) === yields || `${JSON.stringify(result)} turns of ${yields}`,
};
