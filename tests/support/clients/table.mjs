/**
 * The table of faults as Markdown, out of what was measured. Invariant: a cell holds nothing but what a run has shown; where
 * a client differs between two protocols, both are in it. Partners: `measure.mjs`, `measure-own.mjs`, `table-rows.mjs`.
 */

import { readFileSync } from 'node:fs';
import { kAnswer, leftOnRows, tableRows } from './table-rows.mjs';

const majorOf = (name) => {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version.split('.')[0];
};

const column = (name) => `${name} ${majorOf(name)}`;

/** Title, and the clients whose cells stand there, each with the word that tells it from the others. */
const columns = [
  ['Heddle', { 'heddle openai': 'OpenAI', 'heddle anthropic': 'Anthropic' }],
  [column('openai'), { openai: 'chat' }],
  [column('@anthropic-ai/sdk'), { '@anthropic-ai/sdk': 'messages' }],
  [column('ai'), { 'ai openai': 'OpenAI', 'ai anthropic': 'Anthropic' }],
];

/** The tables, one a group of rows, given the cells of each row by client. */
export function tablesOf(cells) {
  const groups = [...new Set(tableRows.map(({ group }) => group))];
  const table = (group) => {
    const rows = tableRows.map((row, i) => [row, cells[i]]).filter(([row]) => row.group === group);
    return `### ${group}\n\n${tableOf(columns, rows)}`;
  };
  return groups.map(table).join('\n\n');
}

/** The table of the clients through rt.fetch. */
export const leftOnTableOf = (cells) => tableOf(columns.slice(1), leftOnRows.map((row, i) => [row, cells[i]]));

function tableOf(columns, rows) {
  const lines = rows.map(([{ label }, cells]) => [label, ...columns.map(([, clients]) => merged(clients, cells))]);
  const head = [['The server', ...columns.map(([title]) => title)], ['---', ...columns.map(() => '---')]];
  return [...head, ...lines].map(line).join('\n');
}

const line = (texts) => `| ${texts.join(' | ')} |`;

function merged(clients, cells) {
  const texts = Object.entries(clients).map(([client, word]) => [word, textOf(cells[client])]);
  const [[, first]] = texts;
  if (texts.every(([, text]) => text === first)) return first;
  return texts.map(([word, text]) => `${word}: ${text}`).join('<br>');
}

function textOf({ requests, waits, limit, ...outcome }) {
  const count = `${requests} request${requests === 1 ? '' : 's'}`;
  const pauses = waits === 'backoff' ? ' (backoff)' : waits.length > 0 ? ` (${pausesOf(waits)})` : '';
  const limited = typeof limit === 'number' ? `, each given up after ${seconds(limit)}` : '';
  return `${count}${pauses}${limited}: ${wordsOf(outcome)}`;
}

function pausesOf(waits) {
  const texts = waits.map(seconds);
  return texts.length > 1 && texts.every((text) => text === texts[0]) ? `${texts[0]} each` : texts.join(', ');
}

const kDay = 24 * 3600 * 1000;

const seconds = (ms) => (ms >= kDay ? `${Math.round(ms / kDay)} days` : `${ms / 1000} s`);

function wordsOf({ outcome, text, name, kind }) {
  if (outcome === 'waiting') return 'waits, without a limit of its own';
  if (outcome === 'error') return name === 'LLMError' ? `\`${kind}\`` : name;
  if (text === kAnswer) return 'the answer';
  return text === '' ? '**an empty answer**' : '**a cut answer**';
}
