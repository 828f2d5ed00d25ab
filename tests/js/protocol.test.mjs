// The numbers that cross between JavaScript and the kernel are the same on both sides: js/src/protocol.ts against the
// headers of the core, which say what they mean.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as protocol from '../../dist/protocol.js';

const source = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const headers = ['types', 'event', 'command', 'config', 'ring', 'kernel', 'sync']
  .map((name) => source(`core/include/heddle/${name}.h`))
  .join('\n');

/** {kFifo: 0, ...} of `enum class FairnessMode ... { kFifo = 0, ... };` */
function enumOf(name) {
  const body = headers.match(new RegExp(`enum (?:class )?${name}\\b[^{]*\\{([^}]*)\\}`))?.[1];
  assert.ok(body !== undefined, `no enum ${name} in the headers`);
  const code = body.replace(/\/\/.*$/gm, '');
  return Object.fromEntries([...code.matchAll(/(k\w+)\s*=\s*(-?\d+)/g)].map(([, key, value]) => [key, Number(value)]));
}

// What JavaScript calls otherwise: in the words of its own API.
const otherNames = {
  ConfigKey: {
    maxConcurrentTasks: 'kMaxTasks',
    maxConcurrentLLMCalls: 'kMaxCalls',
    fairnessMode: 'kFairness',
    agingMs: 'kAging',
    graceMs: 'kGrace',
    budget: 'kRetryBudget',
  },
  FailureFlag: { refused: 'kRefusedByServer' },
  DispatchPolicy: { 'fair-rr': 'kFairRoundRobin' },
};

const kName = (key) => `k${key.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase())}`;

// Those of which JavaScript needs only some.
const partial = new Set(['EventType']);

const enums = [
  'FiberKind',
  'FiberState',
  'Outcome',
  'Cause',
  'OpCode',
  'WaitMode',
  'Joiner',
  'FairnessMode',
  'DispatchPolicy',
  'CallClass',
  'EventType',
  'SubmitOption',
  'ConfigKey',
  'CommandType',
  'FailureFlag',
  'CallOption',
  'GateKey',
  'Answer',
  'SyncKind',
  'SyncOverflow',
  'SyncAct',
  'SyncDo',
];

for (const name of enums) {
  test(`${name} has the kernel's numbers`, () => {
    const inCore = enumOf(name);
    const inJs = protocol[name];
    assert.ok(Object.keys(inJs).length > 0);
    const named = new Set();
    for (const [key, value] of Object.entries(inJs)) {
      const coreName = otherNames[name]?.[key] ?? kName(key);
      assert.equal(inCore[coreName], value, `${name}.${key} against ${coreName}`);
      named.add(coreName);
    }
    if (partial.has(name)) return;
    // A kind of fiber that is no task of JavaScript's is made by a call of its own, or never seen.
    const others = ['FiberKind.kOutside', 'FiberKind.kFiber'];
    const missing = Object.keys(inCore).filter((key) => !named.has(key) && !others.includes(`${name}.${key}`));
    assert.deepEqual(missing, []);
  });
}

test('every number of the protocol is compared', () => {
  const objects = Object.entries(protocol).filter(([, value]) => typeof value === 'object');
  const others = ['RingWord', 'StatusWord'];
  assert.deepEqual(objects.map(([name]) => name).sort(), [...enums, ...others].sort());
});

test('the largest count of an object', () => {
  assert.equal(protocol.maxPermits, Number(headers.match(/kMaxPermits = (0x[\da-f']+)/)[1].replaceAll("'", '')));
});

test('records have the sizes that the core asserts', () => {
  const size = (type) => Number(headers.match(new RegExp(`static_assert\\(sizeof\\(${type}\\) == (\\d+)\\)`))[1]);
  assert.equal(protocol.eventBytes, size('Event'));
  assert.equal(protocol.commandBytes, size('Command'));
});

/** Names of a struct's or a class's data members, in order. */
const members = (text) =>
  [...text.matchAll(/^\s*(?:u32|Record\*)\s+(\w+?)_?(?:\s*=\s*[^;]+)?;/gm)].map(([, name]) => name);

test('the words of a ring and of the status block stand where JavaScript reads them', () => {
  const ring = source('core/include/heddle/ring.h');
  const inRing = members(ring.slice(ring.lastIndexOf(' private:')));
  assert.deepEqual(Object.keys(protocol.RingWord), inRing.slice(-4));
  assert.deepEqual(Object.values(protocol.RingWord), [0, 1, 2, 3]);
  const status = source('wasm/instance.h').match(/struct Status \{([^}]*)\}/)[1];
  assert.deepEqual(Object.keys(protocol.StatusWord), members(status));
  assert.deepEqual(
    Object.values(protocol.StatusWord),
    members(status).map((_, i) => i),
  );
});

test('the keys of the configuration stand in the order in which the bindings read them', () => {
  const names = source('wasm/bindings.cpp').match(/kConfigNames\[\] = \{([^}]*)\}/)[1];
  assert.deepEqual(
    [...names.matchAll(/"(\w+)"/g)].map(([, name]) => name),
    Object.keys(protocol.ConfigKey),
  );
});
