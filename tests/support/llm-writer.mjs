/**
 * Writes the answer to one call of the test server, or misbehaves as its fault says. Invariant: a call is settled
 * before the last bytes of its answer leave, since the client may ask again the moment it has them; nothing is written
 * faster than the client reads. It counts nothing and decides no fault. Partners: `llm-server.mjs` (the call),
 * `llm-dialects.mjs` (the bytes), `llm-faults.mjs` (what a fault says or changes).
 *
 * A call is {n, stream, dialect, req, res, row, headersToSend, isOpen(), settle(outcome), hold(), said(), used(words),
 * sleep(ms)}
 * and the request's own fields; an answer is {text, pieces, toolCalls, counted(words), finishReason}.
 */

import { wire } from './dialects/events.mjs';
import { refusalOf } from './llm-dialects.mjs';
import { alterationOf, refusalFor } from './llm-faults.mjs';
import { wordsOf } from './llm-meter.mjs';

/** So that a page of another origin, as in browser tests, may call. */
export const kAnyOrigin = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers': '*',
};

/** Answers the call; settings are {chunking, newline, pings, pauseAfter}. */
export async function writeAnswer(call, answer, fault, settings) {
  if (fault?.fault === 'never-answer') return;
  if (fault?.fault === 'reset-before-headers') return reset(call);
  const refusal = refusalFor(call, fault, answer);
  if (refusal !== undefined) return refuse(call, refusal);
  const altered = alterationOf(fault);
  if (altered !== undefined) {
    const { usage, ...others } = altered;
    const wrong = 'usage' in altered ? { ...answer, counted: () => usage } : answer;
    return writeBy(call, wrong, undefined, { ...settings, ...others });
  }
  return writeBy(call, answer, fault, settings);
}

const writeBy = (call, ...rest) => (call.stream ? writeStream(call, ...rest) : writeWhole(call, ...rest));

/** Refuses the call with a status, and the protocol's own body where none is given. */
export function refuse(call, { status, headers = {}, body = refusalOf(call, status) }) {
  const { date, ...others } = headers;
  // Node writes a Date of its own unless told otherwise.
  if (date !== undefined) call.res.sendDate = false;
  writeHead(call, status, { 'content-type': 'application/json', ...others, ...(date && { date }) });
  call.settle('faulted');
  call.res.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const complaint = (call, { status, ...error }) => ({ status, body: call.dialect.error(call, error) });

function writeHead(call, status, headers) {
  call.row.status = status;
  const { date } = call.headersToSend;
  if (date !== undefined) call.res.sendDate = false;
  const own = { [call.dialect.requestIdHeader]: `req_${call.n}`, ...call.headersToSend };
  call.res.writeHead(status, { ...kAnyOrigin, ...own, ...headers });
}

// What was written arrives first, where the client is in this process: a reset overtakes bytes that nobody has read.
async function reset(call) {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
  call.settle('faulted');
  call.req.socket.resetAndDestroy();
}

async function writeWhole(call, answer, fault, { contentType, ...pace }) {
  if (fault?.fault === 'error-in-stream') return refuse(call, complaint(call, call.dialect.overloaded));
  const { type, body, words } = wholeOf(call, answer);
  writeHead(call, 200, { 'content-type': contentType ?? type, 'content-length': body.length });
  if (fault === undefined) {
    call.used(words);
    return end(call, body, pace);
  }
  // Every other fault of a stream is, for a whole answer, an answer that breaks off.
  await write(call, body.subarray(0, body.length >> 1), pace);
  if (fault.fault !== 'stall-in-stream') await reset(call);
}

function wholeOf(call, answer) {
  const text = answer.text ?? [...answer.pieces].join('');
  const words = wordsOf(text);
  if (call.dialect.written) return { ...call.dialect.written(call, { ...answer, text }), words };
  const whole = call.dialect.whole(call, { ...answer, text, usage: answer.counted(words) });
  return { type: 'application/json', body: Buffer.from(JSON.stringify(whole)), words };
}

async function writeStream(call, answer, fault, { newline, pings, pauseAfter, contentType, ...pace }) {
  writeHead(call, 200, {
    'content-type': contentType ?? 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  let words = 0;
  const counting = (function* () {
    for (const piece of answer.pieces) {
      words += wordsOf(piece);
      yield piece;
    }
  })();
  const events = call.dialect.events(call, {
    ...answer,
    pieces: counting,
    inputTokens: answer.counted(0)?.input,
    usageOf: () => answer.counted(words),
  });
  for (const event of events) {
    if (event.isPiece && call.row.pieces === pauseAfter) await call.hold();
    if (!call.isOpen()) return;
    if (fault && (event.isLast || (event.isPiece && call.row.pieces >= fault.after))) {
      return breakStream(call, fault, Buffer.from(wire(event)));
    }
    const ping = pings && event.isPiece ? `${call.dialect.ping}\n\n` : '';
    const bytes = Buffer.from(`${ping}${wire(event)}`.replaceAll('\n', newline));
    if (event.isLast) {
      call.used(words);
      return end(call, bytes, pace);
    }
    await write(call, bytes, pace);
    if (event.isPiece) call.said();
  }
}

// `next` is the event that would have come.
async function breakStream(call, { fault }, next) {
  const half = next.subarray(0, next.length >> 1);
  switch (fault) {
    case 'stall-in-stream':
      return;
    case 'reset-mid-body':
      call.res.write(half);
      return reset(call);
    case 'reset-mid-stream':
      return reset(call);
  }
  call.settle('faulted');
  const { status, ...error } = call.dialect.overloaded;
  const last = { 'half-event': half, 'error-in-stream': wire(call.dialect.errorEvent(call, error)) };
  call.res.end(last[fault]);
}

async function end(call, bytes, pace) {
  call.settle('answered');
  await write(call, bytes, pace);
  call.res.end();
}

async function write({ res, sleep }, bytes, { chunking, everyMs }) {
  for (const piece of piecesOf(bytes, chunking)) {
    if (res.destroyed) return;
    if (!res.write(piece)) await drained(res);
    // A turn of the loop each, or the client's socket would join the pieces again.
    if (chunking !== 'event') await (everyMs === undefined ? new Promise(setImmediate) : sleep(everyMs));
  }
}

function drained(res) {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
}

// `split`: lengths 1 and 2 in turn, so that every character of three bytes or more is split, and every line of an event.
function* piecesOf(bytes, chunking) {
  if (chunking === 'event') return yield bytes;
  for (let at = 0, length = 1; at < bytes.length; at += length, length = chunking === 'byte' ? 1 : 3 - length) {
    yield bytes.subarray(at, at + length);
  }
}
