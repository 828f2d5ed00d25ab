// The digest's parts that call nothing: splitting, prompts, the table, the picture, the command line.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { readArguments } from '../../build/digest/arguments.js';
import { readDocuments } from '../../build/digest/documents.js';
import { categoryOf, classifyQuestion, summariseQuestion } from '../../build/digest/prompts.js';
import { chooseProvider } from '../../build/digest/providers.js';
import { splitSections } from '../../build/digest/sections.js';
import { tableLines } from '../../build/digest/table.js';
import { paintFor, printable, shortened, wrapped } from '../../build/digest/terminal.js';
import { timelineSvg } from '../../build/digest/timeline.js';
import { elementsOf } from '../support/well-formed.mjs';

const fixture = path.resolve(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  '../support/documents',
);
const plain = (_style, text) => text;
const titles = (markdown) => splitSections(markdown).map(({ title }) => title);

test('sections: a text is split at its headings, of either spelling, down to the third level', () => {
  const sections = splitSections(
    'before\n\n# One\na\n## Two `code` *it* [link](x)\nb\n### Three\nc\n#### Four\nd\n\nFive\n====\ne\n',
  );
  assert.deepEqual(
    sections.map(({ title }) => title),
    ['(beginning)', 'One', 'Two code it link', 'Three', 'Five'],
  );
  assert.equal(sections[3].text, '### Three\nc\n#### Four\nd');
});

test('sections: nothing is lost and nothing comes twice', () => {
  const markdown =
    '# A\none\n\n- x\n- y\n\n## B\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n### C\n<b>html</b>\n';
  const joined = splitSections(markdown)
    .map(({ text }) => text)
    .join('\n');
  assert.equal(joined.replace(/\s+/g, ' '), markdown.trim().replace(/\s+/g, ' '));
});

test('sections: a # inside code is no heading, front matter is no text, CRLF and a byte order mark do not matter', () => {
  assert.deepEqual(titles('# A\n```sh\n# no\n```\n    # neither\n'), ['A']);
  assert.deepEqual(titles('---\ntitle: x\n---\n# A\ntext\n'), ['A']);
  assert.deepEqual(titles('\uFEFF---\r\ntitle: x\r\n---\r\n# A\r\ntext\r\n\r\n## B\r\ntext\r\n'), ['A', 'B']);
});

test('sections: one that says nothing is left out, an empty text has none', () => {
  assert.deepEqual(titles('# A\n\n## B\ntext\n\n# C\n<!-- nothing -->\n\n---\n'), ['B']);
  assert.deepEqual(titles(''), []);
  assert.deepEqual(titles('\n \n'), []);
  assert.deepEqual(titles('# \ntext'), ['(untitled)']);
});

test('documents: every Markdown file of a folder, files before subfolders; or the one file named', async () => {
  const documents = await readDocuments(fixture);
  assert.deepEqual(
    documents.map((each) => each.path),
    ['guide.md', 'notes/changes.md', 'notes/empty.markdown', 'notes/one.md'],
  );
  assert.deepEqual(
    documents[0].sections.map(({ title }) => title),
    ['(beginning)', 'Install', 'Use', 'Options', 'License'],
  );
  assert.deepEqual(
    (await readDocuments(path.join(fixture, 'notes/one.md'))).map((each) => each.path),
    ['one.md'],
  );
  const skipped = await readDocuments(fixture, [path.join(fixture, 'notes')]);
  assert.deepEqual(
    skipped.map((each) => each.path),
    ['guide.md'],
  );
});

test('prompts: the same section of two documents gives the same prompt; a long one is cut', () => {
  const section = { title: 'T', text: '# T\ntext' };
  assert.equal(classifyQuestion('a.md', section).prompt, classifyQuestion('b.md', section).prompt);
  assert.notEqual(classifyQuestion('a.md', section).prompt, summariseQuestion('a.md', section).prompt);
  const { prompt } = summariseQuestion('a.md', { title: 'T', text: '\u{1F9F5}'.repeat(20_000) });
  assert.ok(prompt.length < 12_200);
  assert.ok(prompt.isWellFormed?.() ?? true);
});

test('prompts: an answer names a category, or it is other', () => {
  assert.equal(categoryOf('guide'), 'guide');
  assert.equal(categoryOf('  **Reference**.\n'), 'reference');
  assert.equal(categoryOf('I would say: a design.'), 'design');
  assert.equal(categoryOf('no idea'), 'other');
});

test('table: columns line up whatever the letters are wide, the first is shortened where it must be', () => {
  const columns = [
    { title: 'Name', align: 'left' },
    { title: 'N', align: 'right' },
  ];
  const rows = [['a', '1'], ['\u6587\u6863', '22'], undefined, ['a-very-long-name-indeed', '333']];
  assert.deepEqual(tableLines(columns, rows, 21, plain), [
    'Name                N',
    '---------------------',
    'a                   1',
    '\u6587\u6863               22',
    '---------------------',
    'a-very-long-n...  333',
  ]);
});

test('terminal: colours only where the stream has them; a text cannot steer the terminal', () => {
  assert.equal(paintFor({})('red', 'x'), 'x');
  assert.equal(paintFor({ hasColors: () => false })('red', 'x'), 'x');
  const red = paintFor({ hasColors: () => true })('red', 'x');
  assert.notEqual(red, 'x');
  assert.equal(stripVTControlCharacters(red), 'x');
  assert.equal(printable('a\u001B[2Jb\u0007\nc\u202Ed'), 'a [2Jb c d');
  assert.equal(shortened('abcdef', 6), 'abcdef');
  assert.equal(shortened('abcdefg', 6), 'abc...');
  assert.equal(shortened('abcdefg', 2), '..');
  assert.deepEqual(wrapped('a bb ccc dddddddd', 6), ['a bb', 'ccc', 'dddddddd']);
});

const attempt = (prompt, startedAt, endedAt, outcome = 'ok', message) => ({
  prompt,
  startedAt,
  endedAt,
  outcome,
  message,
});
const draw = (attempts, more = {}) =>
  timelineSvg({
    title: 'T',
    subtitle: 'S',
    attempts,
    questionOf: () => undefined,
    startedAt: 1000,
    endedAt: 5000,
    ...more,
  });
const barsOf = (svg) => elementsOf(svg).filter(({ name, attributes }) => name === 'rect' && attributes.rx === '3');

test('timeline: one bar an attempt, as long as it took, in the lowest row that is free', () => {
  const bars = barsOf(
    draw([
      attempt('a', 1000, 3000),
      attempt('b', 1000, 2000, 'retried', 'no'),
      attempt('b', 2000, 4000),
      attempt('c', 3000, 5000, 'cancelled'),
    ]),
  ).map(({ attributes }) => attributes);
  assert.deepEqual(
    bars.map((bar) => bar.class),
    ['ok', 'retried', 'ok', 'cancelled'],
  );
  assert.equal(bars[0].y, bars[3].y);
  assert.equal(bars[1].y, bars[2].y);
  assert.equal(Number(bars[0].width), Number(bars[1].width) * 2);
  assert.equal(Number(bars[3].x) + Number(bars[3].width), 1176);
});

test('timeline: what came from outside is escaped, what XML forbids is replaced', () => {
  const question = {
    purpose: 'classify',
    document: 'a&b<c>.md',
    section: '"quoted" \u0000 \uD800 </title>',
    prompt: '',
    maxTokens: 1,
  };
  const svg = draw([attempt('p', 1000, 5000, 'failed', '<script>&amp; \uFFFF')], {
    title: '<&">',
    questionOf: () => question,
  });
  assert.equal(barsOf(svg).length, 1);
  assert.ok(!svg.includes('<script'));
});

test('timeline: a run without calls, and one without time, are pictures too', () => {
  assert.equal(barsOf(draw([])).length, 0);
  assert.equal(barsOf(draw([attempt('a', 1000, 1000)], { endedAt: 1000 })).length, 1);
  assert.equal(barsOf(draw([attempt('a', 1000, 5e6)], { endedAt: 5e6 })).length, 1);
});

test('arguments: defaults, every option, and one sentence for each wrong one', () => {
  const { folder, concurrency, llm, seed } = readArguments([]);
  assert.deepEqual({ folder, concurrency, llm, seed }, { folder: undefined, concurrency: 32, llm: 8, seed: 1 });
  const lisp = readArguments(['a.scm', 'docs', '--virtual']);
  assert.deepEqual([lisp.program, lisp.folder, lisp.virtual], ['a.scm', 'docs', true]);
  const all = '--concurrency 3 --llm=2 --provider openai --model m --seed=-5 --failures 0.5 --virtual --out o --json';
  assert.deepEqual(readArguments(['docs', ...all.split(' ')]), {
    program: undefined,
    folder: 'docs',
    concurrency: 3,
    llm: 2,
    provider: 'openai',
    model: 'm',
    seed: -5,
    failures: 0.5,
    virtual: true,
    out: 'o',
    json: true,
    help: false,
  });
  const wrong = [
    ['--nonsense'],
    ['a', 'b'],
    ['a.scm', 'b', 'c'],
    ['a.scm', '--json'],
    ['--llm', '0'],
    ['--llm', 'x'],
    ['--llm', ''],
    ['--concurrency', '1.5'],
    ['--seed', 'x'],
    ['--seed'],
    ['--failures', '2'],
    ['--failures', 'NaN'],
    ['--provider', 'x'],
    ['--model', ''],
    ['--virtual=1'],
    [''],
  ];
  for (const args of wrong) {
    assert.throws(
      () => readArguments(args),
      (error) => error.name === 'UsageError' && /^[^\n]+\.$/.test(error.message),
      args.join(' '),
    );
  }
});

test('providers: the environment decides, an option overrules it, a key is never shown', () => {
  const choose = (env, options = {}) => chooseProvider({ seed: 1, ...options }, env);
  assert.equal(choose({}).provider.kind, 'simulated');
  assert.equal(choose({ OPENAI_API_KEY: '', ANTHROPIC_BASE_URL: '' }).provider.kind, 'simulated');
  assert.equal(choose({ OPENAI_API_KEY: 'k' }).provider.kind, 'openai');
  assert.equal(choose({ OPENAI_BASE_URL: 'http://localhost:1/v1' }).label, 'gpt-4o-mini at localhost:1');
  assert.equal(choose({ ANTHROPIC_API_KEY: 'k' }, { model: 'm' }).label, 'm at api.anthropic.com');
  assert.equal(choose({ ANTHROPIC_BASE_URL: 'http://localhost:1' }).provider.kind, 'anthropic');
  assert.equal(choose({ OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }).provider.kind, 'openai');
  assert.equal(choose({ OPENAI_API_KEY: 'k' }, { provider: 'simulated' }).provider.kind, 'simulated');
  const usage = { name: 'UsageError' };
  assert.throws(() => choose({ OPENAI_API_KEY: 'k' }, { failures: 0.1 }), usage);
  assert.throws(
    () => choose({ OPENAI_BASE_URL: 'secret-by-mistake' }),
    (error) => error.name === 'UsageError' && !error.message.includes('secret'),
  );
  assert.throws(
    () => choose({ ANTHROPIC_API_KEY: 'with space' }),
    (error) => /^ANTHROPIC_API_KEY/.test(error.message) && !error.message.includes('with space'),
  );
});
