/**
 * How a server asks for a wait: every form of Retry-After and its relatives, as parts of a refusal. Invariant: dates are
 * counted from a fixed time, which the answer's own Date header names, so two runs give the same bytes. A client that
 * measures a date against its own clock sees one long past, unless its clock stands at kNow. Partner: `llm-faults.mjs`.
 */

/** The server's time in every answer with a date: a Monday. */
export const kNow = Date.UTC(2024, 0, 1);

const kYear = 365 * 24 * 3600 * 1000;

const kDay = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

// Sun, 06 Nov 1994 08:49:37 GMT -> Sunday, 06-Nov-94 08:49:37 GMT
function rfc850(date) {
  const [, day, month, year, time] = date.toUTCString().split(' ');
  return `${kDay[date.getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${time} GMT`;
}

// Sun, 06 Nov 1994 08:49:37 GMT -> Sun Nov  6 08:49:37 1994
function asctime(date) {
  const [weekday, day, month, year, time] = date.toUTCString().split(' ');
  return `${weekday.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

const dated = (spell) => (ms) => ({
  headers: { date: new Date(kNow).toUTCString(), 'retry-after': spell(new Date(kNow + ms)) },
});

const header = (name, spell) => (ms) => ({ headers: { [name]: spell(ms) } });

// As Gemini says it in its OpenAI-compatible answers: in the body, and in a list of one.
const inBody = (ms) => ({
  body: {
    error: {
      code: 429,
      message: 'Resource has been exhausted',
      status: 'RESOURCE_EXHAUSTED',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${ms / 1000}s` }],
    },
  },
});

const forms = {
  none: [0, () => ({})],
  seconds: [2000, header('retry-after', (ms) => String(ms / 1000))],
  decimal: [1500, header('retry-after', (ms) => (ms / 1000).toFixed(3))],
  ms: [700, header('retry-after-ms', String)],
  date: [3000, dated((date) => date.toUTCString())],
  'date-rfc850': [4000, dated(rfc850)],
  'date-asctime': [5000, dated(asctime)],
  'date-past': [-60_000, dated((date) => date.toUTCString())],
  zero: [0, header('retry-after', () => '0')],
  negative: [-5000, header('retry-after', (ms) => String(ms / 1000))],
  long: [90_000, header('retry-after', (ms) => String(ms / 1000))],
  absurd: [10 * kYear, header('retry-after', (ms) => String(ms / 1000))],
  'absurd-ms': [10 * kYear, header('retry-after-ms', String)],
  garbage: [0, header('retry-after', () => 'soon')],
  body: [6000, inBody],
  'body-list': [6000, (ms) => ({ body: [inBody(ms).body] })],
};

/** The names of the forms. */
export const kWaitForms = Object.keys(forms);

/** The headers, and the body where it is part of it, of a refusal that asks for a wait of `ms` in this form. */
export function askToWait(form, ms) {
  if (!(form in forms)) throw new Error(`unknown form ${JSON.stringify(form)} of a wait; known are ${kWaitForms.join(', ')}`);
  const [usual, write] = forms[form];
  return { headers: {}, ...write(ms ?? usual) };
}

/** A 429 that asks for a wait of `ms` in one of the forms, or in none. */
export function rateLimited(form = 'none', ms = undefined) {
  return { status: 429, ...askToWait(form, ms) };
}
