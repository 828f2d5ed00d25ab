// A reporter of node:test that writes nothing but the counts of the run, as JSON, for tests/run.mjs.

const counted = ['pass', 'fail', 'cancelled', 'skipped', 'todo'];

export default async function* countReporter(source) {
  const counts = {};
  for await (const event of source) {
    if (event.type !== 'test:diagnostic' || event.data.nesting !== 0) continue;
    // The summary that every reporter ends with, one line a number: "pass 12".
    const [name, number] = event.data.message.split(' ');
    if (counted.includes(name)) counts[name] = Number(number);
  }
  yield `${JSON.stringify(counts)}\n`;
}
