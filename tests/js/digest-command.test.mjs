// The digest as a command: exit codes, streams, a real server by the environment, Ctrl-C, a terminal.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../support/llm-server.mjs';
import { elementsOf } from '../support/well-formed.mjs';

const program = fileURLToPath(new URL('../../build/digest/main.js', import.meta.url));
const fixture = fileURLToPath(new URL('../support/documents', import.meta.url));
const escape = /[\u0000-\u0009\u000B-\u001F\u007F]/;
// What the distinct questions of the fixture are: two a distinct section (one section stands in two documents), two
// combined documents, one overall.
const kQuestions = 2 * 8 + 2 + 1;

function folder(t) {
  const made = mkdtempSync(path.join(os.tmpdir(), 'heddle-digest-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

// Starts a command; nothing of this process's environment decides who answers or what has colours.
function start(t, command, args, env = {}) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env } });
  t.after(() => child.kill('SIGKILL'));
  const seen = { stdout: '', stderr: '' };
  const waiters = new Set();
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      seen[name] += text;
      for (const waiter of waiters) waiter();
    });
  }
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...seen })));
  // Resolves once a stream has shown it.
  const shows = (name, pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(seen[name]) && resolve();
      waiters.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without ${pattern}:\n${seen.stdout}\n${seen.stderr}`)));
    });
  return { child, ended, shows };
}

const digest = (t, args, env) => start(t, process.execPath, [program, ...args], env);
const bars = (svg) => elementsOf(svg).filter(({ name, attributes }) => name === 'rect' && attributes.rx === '3');

test('without a key the simulated model answers and says so; nothing but text comes out of a pipe', async (t) => {
  const out = folder(t);
  const { code, stdout, stderr } = await digest(t, [fixture, '--virtual', '--failures', '0.2', '--out', out]).ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^The simulated model answers, offline \(seed 1\)/);
  assert.match(stderr, /guide\.md is done, 5 of 5 sections/);
  assert.match(stdout, /^Document +Sections +Mostly +Calls +Retries +Tokens +State$/m);
  assert.match(stdout, /^guide\.md +5\/5/m);
  assert.match(stdout, /^4 of 4 documents finished, by the simulated model, seed 1\.$/m);
  const [, calls, requests, retries] = /^(\d+) calls in (\d+) requests: (\d+) retr(?:y|ies)/m.exec(stdout).map(Number);
  assert.equal(calls, kQuestions);
  assert.ok(retries > 0);
  assert.equal(requests, calls + retries);
  assert.match(stdout, /an overlap of [2-8]\.\d, at most 8 in flight/);
  assert.ok(!escape.test(stdout) && !escape.test(stderr));
  const svg = readFileSync(path.join(out, 'timeline.svg'), 'utf8');
  assert.equal(bars(svg).length, requests);
  assert.ok(stdout.includes(`Timeline: ${path.relative('', path.join(out, 'timeline.svg'))}`));
});

test('the same seed gives the same run, another seed another one', async (t) => {
  const report = async (seed) => {
    const { stdout } = await digest(t, [fixture, '--virtual', '--json', '--seed', seed, '--out', folder(t)]).ended;
    const { timeline: _, ...rest } = JSON.parse(stdout);
    return rest;
  };
  const [first, again, other] = await Promise.all([report('5'), report('5'), report('6')]);
  assert.deepEqual(first, again);
  assert.notDeepEqual(first.totals, other.totals);
  assert.deepEqual(
    first.documents.map(({ path }) => path),
    ['guide.md', 'notes/changes.md', 'notes/empty.markdown', 'notes/one.md'],
  );
  assert.equal(first.documents[0].sections[1].title, 'Install');
  assert.equal(first.interrupted, false);
});

for (const [name, env] of [
  ['openai', (server) => ({ OPENAI_BASE_URL: server.openaiBaseURL, OPENAI_API_KEY: 'sk-very-secret' })],
  ['anthropic', (server) => ({ ANTHROPIC_BASE_URL: server.anthropicBaseURL, ANTHROPIC_API_KEY: 'sk-very-secret' })],
]) {
  test(`${name}: the server that the environment names is asked, each prompt once`, async (t) => {
    const server = await serve(t, {
      respond: ({ prompt }) => (prompt.startsWith('Classify') ? 'reference' : 'In short.'),
    });
    const args = [fixture, '--out', folder(t), '--llm', '3', '--model', 'my-model'];
    const { code, stdout, stderr } = await digest(t, args, env(server)).ended;
    assert.equal(code, 0, stderr);
    const { log, requests, maxOpen } = server.stats();
    assert.equal(requests, kQuestions);
    assert.equal(new Set(log.map(({ prompt }) => prompt)).size, requests);
    assert.ok(maxOpen <= 3);
    assert.ok(log.every(({ protocol, model }) => protocol === name && model === 'my-model'));
    assert.match(stderr, /^The model my-model at 127\.0\.0\.1:\d+ answers/);
    assert.match(stdout, /^guide\.md +5\/5 +reference/m);
    assert.match(stdout, /^Overall\n {2}In short\.$/m);
    assert.ok(!/estimated/.test(stdout));
    assert.ok(!(stdout + stderr).includes('very-secret'));
  });
}

test('a server that fails now and then is asked again; a section that fails for good is reported, exit code 1', async (t) => {
  const server = await serve(t, {
    respond: () => 'guide',
    fault: ({ prompt, attempt }) =>
      prompt.includes('installer --version')
        ? 400
        : attempt === 1 && prompt.includes('Give it a folder')
          ? 500
          : undefined,
  });
  const out = folder(t);
  const { code, stdout } = await digest(t, [fixture, '--out', out], { OPENAI_BASE_URL: server.openaiBaseURL }).ended;
  assert.equal(code, 1);
  assert.match(stdout, /^guide\.md +4\/5 .* partly at/m);
  assert.match(stdout, /^notes\/changes\.md +3\/3 .* done at/m);
  assert.match(stdout, /^ {2}guide\.md > Install: openai: answered 400/m);
  assert.match(stdout, /^19 calls in 21 requests: 2 retries, 2 failed for good/m);
  const classes = bars(readFileSync(path.join(out, 'timeline.svg'), 'utf8')).map(({ attributes }) => attributes.class);
  assert.equal(classes.length, 21);
  assert.equal(classes.filter((each) => each === 'retried').length, 2);
  assert.equal(classes.filter((each) => each === 'failed').length, 2);
});

test('a key that is refused: one sentence, what there is, exit code 1', async (t) => {
  const server = await serve(t, { fault: () => 401 });
  const { code, stdout, stderr } = await digest(t, [fixture, '--out', folder(t)], {
    OPENAI_BASE_URL: server.openaiBaseURL,
  }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^error: openai: answered 401: .*check the API key/m);
  assert.match(stdout, /^guide\.md +0\/5 .* cancelled$/m);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  test(`${signal} cancels, closes the connections and prints what was finished`, async (t) => {
    const server = await serve(t, {
      respond: () => 'guide',
      latencyMs: ({ prompt }) => (prompt.includes('as you please') ? 'manual' : 0),
    });
    const out = folder(t);
    const { child, ended, shows } = digest(t, [fixture, '--out', out], { OPENAI_BASE_URL: server.openaiBaseURL });
    await Promise.all([server.whenHeld(2), shows('stderr', /notes\/one\.md is done/)]);
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, expected);
    assert.match(stderr, /^Cancelled/m);
    assert.match(stdout, /^notes\/one\.md +1\/1 .* done at/m);
    assert.match(stdout, /^guide\.md .* cancelled$/m);
    assert.match(stdout, /^2 of 4 documents finished/m);
    await server.whenSocketsClosed();
    assert.equal(server.stats().aborts, 2);
    const classes = bars(readFileSync(path.join(out, 'timeline.svg'), 'utf8')).map(
      ({ attributes }) => attributes.class,
    );
    assert.equal(classes.length, server.stats().requests);
    assert.equal(classes.filter((each) => each === 'cancelled').length, 2);
  });
}

test('wrong use: one helpful sentence, exit code 2, nothing asked', async (t) => {
  const empty = folder(t);
  const dangling = folder(t);
  symlinkSync(path.join(dangling, 'nothing'), path.join(dangling, 'link.md'));
  const blocked = path.join(empty, 'file');
  writeFileSync(blocked, '');
  const cases = [
    [
      [path.join(empty, 'missing')],
      {},
      /^error: There is no folder .*missing; name one that holds Markdown files\.\n$/,
    ],
    [[empty], {}, /^error: There is no Markdown file \(\.md or \.markdown\) in .* or below it\.\n$/],
    [[dangling], {}, /^error: .*link\.md cannot be read: it is a link to nothing.*\.\n$/],
    [['--nonsense'], {}, /^error: Unknown option '--nonsense'; the options are --concurrency, .*\.\n$/],
    [[fixture, '--llm', '0'], {}, /^error: --llm must be a whole number of at least 1, got "0"\.\n$/],
    [[fixture, '--out', path.join(blocked, 'x')], {}, /^error: The folder .* for the timeline cannot be made: .*\n$/],
    [[fixture], { OPENAI_BASE_URL: 'nonsense' }, /^error: OPENAI_BASE_URL cannot be used: .*\n$/],
    [[fixture, '--virtual'], { OPENAI_API_KEY: 'k' }, /^error: --virtual is for the simulated model, .*\n$/],
    [
      [fixture, '--failures', '0.1'],
      { ANTHROPIC_API_KEY: 'k' },
      /^error: --failures is for the simulated model; .*\n$/,
    ],
  ];
  await Promise.all(
    cases.map(async ([args, env, message]) => {
      const { code, stdout, stderr } = await digest(t, args, env).ended;
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, message);
    }),
  );
});

test('--help is an answer, not an error', async (t) => {
  const { code, stdout, stderr } = await digest(t, ['--help']).ended;
  assert.equal(code, 0);
  assert.match(stdout, /^npm start \[-- folder\] \[options\]/);
  assert.equal(stderr, '');
});

test('hidden folders and node_modules are passed over', async (t) => {
  const docs = folder(t);
  for (const below of ['.hidden', 'node_modules', 'kept']) {
    mkdirSync(path.join(docs, below));
    writeFileSync(path.join(docs, below, 'a.md'), '# A\ntext\n');
  }
  const { stdout } = await digest(t, [docs, '--virtual', '--json', '--out', folder(t)]).ended;
  assert.deepEqual(
    JSON.parse(stdout).documents.map(({ path }) => path),
    ['kept/a.md'],
  );
});

test('a reader that leaves early is no failure', async (t) => {
  const { child, ended } = digest(t, [fixture, '--virtual', '--out', folder(t)]);
  child.stdout.destroy();
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.ok(!/error/i.test(stderr));
});

// A pseudo-terminal by util-linux's `script`; other systems' take other arguments.
const hasScript = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;
const onTerminal = (t, args, env) =>
  start(
    t,
    'script',
    ['-qefc', ['stty cols 80 rows 24;', ...[process.execPath, program, ...args].map(quoted)].join(' '), '/dev/null'],
    { TERM: 'xterm', ...env },
  );

test(
  'on a terminal: live progress, redrawn in place, in colours',
  { skip: !hasScript && 'no util-linux script here' },
  async (t) => {
    const { code, stdout } = await onTerminal(t, [fixture, '--virtual', '--failures', '0.3', '--out', folder(t)]).ended;
    assert.equal(code, 0);
    assert.match(stdout, /tasks: \d+ running, \d+ waiting/);
    assert.match(stdout, /calls: [1-8] in flight, \d+ waiting, [1-9]\d* retried; [1-9][\d,]* tokens/);
    assert.match(stdout, /guide\.md +#+\.+ +[1-4]\/5/);
    assert.ok(stdout.includes('\u001B[0J'));
    assert.ok(stdout.includes('\u001B[1m'));
    // No line that the terminal would have to break.
    const lines = stdout
      .split('\u001B[1mDocument')[0]
      .replace(/\u001B\[[\d;]*[A-Za-z]/g, '')
      .split(/\r?\n/)
      .slice(1);
    assert.ok(lines.every((line) => line.length < 80));
  },
);

test(
  'on a terminal with NO_COLOR: no colour, still in place',
  { skip: !hasScript && 'no util-linux script here' },
  async (t) => {
    const { stdout } = await onTerminal(t, [fixture, '--virtual', '--out', folder(t)], { NO_COLOR: '1' }).ended;
    assert.ok(stdout.includes('\u001B[0J'));
    assert.ok(!/\u001B\[[\d;]*m/.test(stdout));
  },
);

test(
  'on a terminal: Ctrl-C cancels, and prints what was finished',
  { skip: !hasScript && 'no util-linux script here' },
  async (t) => {
    const server = await serve(t, {
      respond: () => 'guide',
      latencyMs: ({ prompt }) => (prompt.includes('as you please') ? 'manual' : 0),
    });
    const { child, ended, shows } = onTerminal(t, [fixture, '--out', folder(t)], {
      OPENAI_BASE_URL: server.openaiBaseURL,
    });
    await Promise.all([
      server.whenHeld(2),
      shows('stdout', /notes\/one\.md is done/),
      shows('stdout', /calls: 2 in flight/),
    ]);
    child.stdin.write('\u0003');
    const { code, stdout } = await ended;
    assert.equal(code, 130);
    assert.match(stdout, /Cancelled; press Ctrl-C again/);
    assert.match(stdout, /2 of 4 documents finished/);
    await server.whenSocketsClosed();
  },
);
