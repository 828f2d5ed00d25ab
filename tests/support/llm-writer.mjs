/**
 * Writes the answer to one call of the test server, or misbehaves as its fault says. Invariant: a call is settled
 * before the last bytes of its answer leave, since the client may ask again the moment it has them; nothing is written
 * faster than the client reads. It counts nothing and decides no fault. Partners: `llm-server.mjs` (the call),
 * `llm-dialects.mjs` (the bytes), `llm-faults.mjs` (the faults' names).
 *
 * A call is {n, stream, dialect, req, res, row, isOpen(), settle(outcome), hold()} and the request's own fields; an
 * answer is {text, pieces, counted(words), finishReason}.
 */

import { refusalOf } from './llm-dialects.mjs';

/** So that a page of another origin, as in browser tests, may call. */
export const kAnyOrigin = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers': '*',
};

export const wordsOf = (text) => text.match(/\S+/g)?.length ?? 0;

/** Answers the call; settings are {chunking, newline, pings, pauseAfter}. */
export async function writeAnswer(call, answer, fault, settings) {
  if (fault?.status !== undefined) return refuse(call, fault);
  switch (fault?.fault) {
    case 'never-answer':
      return;
    case 'reset-before-headers':
      return reset(call);
    case 'insufficient-quota':
      return refuse(call, complaint(call, call.dialect.outOfQuota));
    case 'html-200':
      return refuse(call, {
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><title>Welcome</title><p>A portal</p>',
      });
    case 'broken-json-200': {
      const half = JSON.stringify(call.dialect.whole(call, answer)).slice(0, 40);
      return call.stream
        ? refuse(call, { status: 200, headers: { 'content-type': 'text/event-stream' }, body: `data: ${half}\n\n` })
        : refuse(call, { status: 200, body: half });
    }
  }
  await (call.stream ? writeStream(call, answer, fault, settings) : writeWhole(call, answer, fault, settings));
}

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
  call.res.writeHead(status, { ...kAnyOrigin, [call.dialect.requestIdHeader]: `req_${call.n}`, ...headers });
}

// What was written arrives first, where the client is in this process: a reset overtakes bytes that nobody has read.
async function reset(call) {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
  call.settle('faulted');
  call.req.socket.resetAndDestroy();
}

async function writeWhole(call, answer, fault, { chunking }) {
  if (fault?.fault === 'error-in-stream') return refuse(call, complaint(call, call.dialect.overloaded));
  const text = answer.text ?? [...answer.pieces].join('');
  const body = Buffer.from(
    JSON.stringify(call.dialect.whole(call, { ...answer, text, usage: answer.counted(wordsOf(text)) })),
  );
  writeHead(call, 200, { 'content-type': 'application/json', 'content-length': body.length });
  if (fault === undefined) return end(call, body, chunking);
  // Every other fault of a stream is, for a whole answer, an answer that breaks off.
  await write(call, body.subarray(0, body.length >> 1), chunking);
  if (fault.fault !== 'stall-in-stream') await reset(call);
}

async function writeStream(call, answer, fault, { chunking, newline, pings, pauseAfter }) {
  writeHead(call, 200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
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
    if (fault && (event.isLast || (event.isPiece && call.row.pieces >= fault.after))) return breakStream(call, fault);
    const ping = pings && event.isPiece ? `${call.dialect.ping}\n\n` : '';
    const bytes = Buffer.from(`${ping}${wire(event)}`.replaceAll('\n', newline));
    if (event.isLast) return end(call, bytes, chunking);
    if (event.isPiece) call.row.pieces++;
    await write(call, bytes, chunking);
  }
}

const wire = ({ name, data }) => `${name ? `event: ${name}\n` : ''}data: ${data}\n\n`;

function breakStream(call, { fault }) {
  if (fault === 'stall-in-stream') return;
  if (fault !== 'error-in-stream' && fault !== 'cut-stream') return reset(call);
  call.settle('faulted');
  const { status, ...error } = call.dialect.overloaded;
  call.res.end(fault === 'cut-stream' ? undefined : wire(call.dialect.errorEvent(call, error)));
}

async function end(call, bytes, chunking) {
  call.settle('answered');
  await write(call, bytes, chunking);
  call.res.end();
}

async function write({ res }, bytes, chunking) {
  for (const piece of piecesOf(bytes, chunking)) {
    if (res.destroyed) return;
    if (!res.write(piece)) await drained(res);
    // A turn of the loop each, or the client's socket would join the pieces again.
    if (chunking === 'split') await new Promise(setImmediate);
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

// Lengths 1 and 2 in turn: every character of three bytes or more is split, and every line of an event.
function* piecesOf(bytes, chunking) {
  if (chunking !== 'split') return yield bytes;
  for (let at = 0, length = 1; at < bytes.length; at += length, length = 3 - length) {
    yield bytes.subarray(at, at + length);
  }
}
