/**
 * A small real HTTP server that speaks the protocols of OpenAI (chat, Responses, embeddings) and of Anthropic, whole and
 * streaming, misbehaves on demand, and counts what a client really does. GET /plain and POST /echo have no model behind
 * them, and are counted and held and spoilt like all others.
 *
 *   call: arrived (its request is complete) -> held? -> answering -> answered | aborted | faulted
 *
 * Invariant: a call counts as open from its arrival until the server has given up the last byte of its answer, so
 * `maxOpen` never exceeds what the client had in flight. Waiting is by events: the when...() promises resolve when the
 * thing happens (at once if it has), nothing polls. It listens on 127.0.0.1 at a free port and keeps no process alive,
 * except while a when...() promise is pending. Faults by rate do not depend on the order of arrival.
 * It checks no keys and models no model. Partners: `llm-dialects.mjs`, `llm-faults.mjs`, `llm-writer.mjs`, `llm-meter.mjs`.
 *
 * Options of startLLMServer, all live in `server.options` and read per call:
 *   respond(request, n)   -> text, or {text | pieces, toolCalls: [{id, name, arguments}], usage: {input, output} | false,
 *                         finishReason}; default echoes
 *   latencyMs             number (default 0), 'manual' (held until release()), or (request, n) -> one of these
 *   pauseAfter            number, or (request, n) -> number: a stream is held again after so many pieces of text
 *   fault(request, n), faults: {seed, rates: [[rate, fault], ...]}   see llm-faults.mjs
 *   chunking              'event' (default); 'split': pieces of 1 or 2 bytes, through events and characters; 'byte'
 *   limits, rates         the server as a provider with limits, and stats().worstWindow; see llm-meter.mjs
 *   newline '\n', pings false, usage true, headers {}: of every answer, beside its own
 * `request` is {n, attempt, protocol, stream, path, headers, body, model, prompt}; n counts calls from 1, attempt
 * counts calls of the same prompt from 1; protocol is openai, anthropic, responses, embeddings or plain.
 */

import { createServer } from 'node:http';
import { once } from 'node:events';
import { dialectOf } from './llm-dialects.mjs';
import { faultPlan } from './llm-faults.mjs';
import { Meter, rateHeaders, timeOf, wordsOf } from './llm-meter.mjs';
import { kAnyOrigin, refuse, writeAnswer } from './llm-writer.mjs';

export { rateLimited } from './llm-faults.mjs';

const kDefaults = { latencyMs: 0, chunking: 'event', newline: '\n', pings: false, usage: true, headers: {} };

/** Starts a server and resolves once it listens. */
export async function startLLMServer(options = {}) {
  const server = new LLMServer(options);
  await server.listen();
  return server;
}

/** Starts a server that is closed when the test `t` ends. */
export async function serve(t, options) {
  const server = await startLLMServer(options);
  t.after(() => server.close());
  return server;
}

class LLMServer {
  #http = createServer((req, res) => void this.#receive(req, res));
  #sockets = new Set();
  #used = new WeakSet();
  #calls = new Set();
  #held = [];
  #timers = new Set();
  #waiters = new Set();
  #attempts = new Map();
  #meter;
  #counts;
  #closing;

  constructor(options) {
    this.options = { ...kDefaults, ...options };
    this.reset();
    this.#http.on('connection', (socket) => {
      this.#sockets.add(socket);
      this.#counts.connections++;
      socket.unref();
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#changed();
      });
    });
    // Idle connections stay, so that a test sees those that a client leaves open.
    this.#http.keepAliveTimeout = 0;
  }

  async listen() {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    this.#http.unref();
    this.url = `http://127.0.0.1:${this.#http.address().port}`;
    this.openaiBaseURL = `${this.url}/v1`;
    this.anthropicBaseURL = this.url;
  }

  /** What happened since the start or the last reset(): numbers, and one row a call in `log`. */
  stats() {
    const { log, byPath, pieces: _, ...numbers } = this.#counts;
    return {
      ...numbers,
      open: this.#calls.size,
      held: this.#held.length,
      sockets: this.#sockets.size,
      byPath: { ...byPath },
      log: log.map((row) => ({ ...row })),
      ...(this.options.limits && { worstWindow: this.#meter.worst() }),
    };
  }

  /** Sets the counters to zero and forgets the log; calls that are open stay open, and count. */
  reset() {
    this.#attempts.clear();
    this.#meter = new Meter();
    this.#counts = {
      requests: 0,
      answered: 0,
      aborts: 0,
      faults: 0,
      connections: 0,
      pieces: 0,
      maxOpen: this.#calls.size,
      byPath: {},
      log: [],
    };
  }

  /** Lets held calls go on, the oldest `which` (default all) or those whose request satisfies it; gives their number. */
  release(which = Infinity) {
    const chosen =
      typeof which === 'function' ? this.#held.filter(({ call }) => which(call.request)) : this.#held.slice(0, which);
    this.#held = this.#held.filter((entry) => !chosen.includes(entry));
    for (const { go } of chosen) go();
    return chosen.length;
  }

  /** Resolves once at least n calls are open. */
  whenOpen(n) {
    return this.#when(() => this.#calls.size >= n);
  }

  /** Resolves once at least n calls are held, waiting for release(). */
  whenHeld(n) {
    return this.#when(() => this.#held.length >= n);
  }

  /** Resolves once at least n calls have arrived since the last reset(). */
  whenRequests(n) {
    return this.#when(() => this.#counts.requests >= n);
  }

  /** Resolves once streams have given out at least n pieces of their answers since the last reset(). */
  whenPieces(n) {
    return this.#when(() => this.#counts.pieces >= n);
  }

  /** Resolves once at least n calls were aborted by the client since the last reset(). */
  whenAborted(n) {
    return this.#when(() => this.#counts.aborts >= n);
  }

  /** Resolves once no call is open. */
  whenIdle() {
    return this.#when(() => this.#calls.size === 0);
  }

  /**
   * Resolves once every connection that carried a call is closed, idle ones included. One that never did is the
   * client's stock: Node's fetch opens a new one, unasked, where an abort cost it one, and closes it seconds later.
   */
  whenSocketsClosed() {
    return this.#when(() => ![...this.#sockets].some((socket) => this.#used.has(socket)));
  }

  /** Ends everything: connections, held calls, timers. Idempotent. */
  close() {
    this.#closing ??= new Promise((resolve) => {
      this.#http.close(resolve);
      for (const timer of this.#timers) clearTimeout(timer);
      for (const socket of this.#sockets) socket.destroy();
    }).then(() => {
      for (const { reject } of this.#waiters) reject(new Error('the test server was closed'));
      this.#waiters.clear();
    });
    return this.#closing;
  }

  // Node 20 has the symbol; a runtime without it just lacks the method.
  [Symbol.asyncDispose ?? 'asyncDispose']() {
    return this.close();
  }

  #when(test) {
    if (test()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.add({ test, resolve, reject });
      this.#http.ref();
    });
  }

  #changed() {
    for (const waiter of this.#waiters) {
      if (!waiter.test()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
    if (this.#waiters.size === 0) this.#http.unref();
  }

  async #receive(req, res) {
    // A client that goes away shows as 'close'; the error says nothing more.
    req.on('error', () => undefined);
    res.on('error', () => undefined);
    if (req.method === 'OPTIONS') return void res.writeHead(204, kAnyOrigin).end();
    const parts = [];
    try {
      for await (const part of req) parts.push(part);
    } catch {
      return;
    }
    const raw = Buffer.concat(parts);
    const { pathname: path } = new URL(req.url, this.url);
    const found = dialectOf(req.method, path);
    const body = found?.dialect.takesAnything ? {} : parsed(raw);
    this.#counts.requests++;
    this.#counts.byPath[path] = (this.#counts.byPath[path] ?? 0) + 1;
    if (found === undefined || body === undefined) {
      res.writeHead(found ? 400 : 404, { ...kAnyOrigin, 'content-type': 'application/json' });
      res.end(JSON.stringify({ error: { message: found ? 'the body is no JSON object' : `no ${req.method} ${path} here` } }));
      return this.#changed();
    }
    const call = this.#arrive(req, res, path, found, body, raw);
    try {
      await this.#answer(call);
    } catch (error) {
      // A test's own callback threw: the client is told, or the test would wait for ever.
      if (res.headersSent) res.destroy(error);
      else
        refuse(call, {
          status: 500,
          body: { error: { message: `the test server's callback threw: ${error.message}` } },
        });
    }
  }

  #arrive(req, res, path, { protocol, dialect }, body, raw) {
    const prompt = dialect.promptOf(body, raw);
    const attempt = (this.#attempts.get(prompt) ?? 0) + 1;
    this.#attempts.set(prompt, attempt);
    const { requests: n, log } = this.#counts;
    const request = {
      n,
      attempt,
      protocol,
      stream: body.stream === true && dialect.streams !== false,
      path,
      headers: req.headers,
      body,
      model: body.model,
      prompt,
    };
    const row = { ...request, outcome: 'open', status: undefined, pieces: 0 };
    log.push(row);
    const call = {
      ...request,
      request,
      raw,
      dialect,
      req,
      res,
      row,
      headersToSend: this.options.headers,
      metered: undefined,
      isOpen: () => this.#calls.has(call),
      settle: (outcome) => this.#settle(call, outcome),
      hold: () => this.#hold(call),
      used: (words) => call.metered && this.#meter.correct(call.metered, words, this.options.limits ?? {}),
      sleep: (ms) => this.#sleep(ms),
      said: () => this.#said(row),
    };
    this.#calls.add(call);
    this.#used.add(req.socket);
    this.#counts.maxOpen = Math.max(this.#counts.maxOpen, this.#calls.size);
    res.on('close', () => call.settle('aborted'));
    return call;
  }

  // The first outcome counts: a connection that closes after a complete answer is no abort.
  #settle(call, outcome) {
    if (!this.#calls.delete(call)) return;
    call.row.outcome = outcome;
    this.#counts[{ answered: 'answered', aborted: 'aborts', faulted: 'faults' }[outcome]]++;
    this.#held = this.#held.filter((entry) => entry.call !== call);
    this.#changed();
  }

  #said(row) {
    row.pieces++;
    this.#counts.pieces++;
    this.#changed();
  }

  #hold(call) {
    return new Promise((go) => {
      this.#held.push({ call, go });
      this.#changed();
    });
  }

  async #answer(call) {
    const { options } = this;
    const of = (option) => (typeof option === 'function' ? option(call.request, call.n) : option);
    // All decided before any wait, so in the order of arrival.
    const fault = this.#meters(call) ?? faultPlan(options.fault, options.faults)(call.request);
    const answer = this.#answerOf(call);
    const { chunking, newline, pings } = options;
    const settings = { chunking, newline, pings, pauseAfter: of(options.pauseAfter) };
    const latency = of(options.latencyMs);
    if (latency === 'manual') await this.#hold(call);
    else {
      this.#changed();
      if (latency > 0) await this.#sleep(latency);
    }
    if (call.isOpen()) await writeAnswer(call, answer, fault, settings);
  }

  // Counts the call towards the limits, and gives the refusal where one is due.
  #meters(call) {
    const { limits, rates } = this.options;
    if (limits === undefined && rates === undefined) return undefined;
    call.metered = this.#meter.arrive(call.request, limits ?? {});
    if (rates === true && limits === undefined) throw new Error('rates: true says what is left of limits; there are none');
    if (rates) {
      const now = timeOf(limits);
      call.headersToSend = { ...call.headersToSend, ...rateHeaders(call.protocol, this.#meter.left(rates === true ? limits : rates, limits), now) };
      // A time to come means nothing without the time that it is counted from.
      if (limits?.now) call.headersToSend.date = new Date(now).toUTCString();
    }
    const { waitMs } = call.metered;
    if (waitMs === undefined) return undefined;
    const headers = { 'retry-after-ms': String(waitMs), 'retry-after': String(Math.ceil(waitMs / 1000)) };
    return { status: 429, headers };
  }

  #answerOf(call) {
    const given = this.options.respond?.(call.request, call.n) ?? `echo: ${call.prompt}`;
    const { text, pieces, toolCalls, usage, finishReason } = typeof given === 'string' ? { text: given } : given;
    const counted = (words) =>
      this.options.usage && usage !== false ? (usage ?? { input: wordsOf(call.prompt), output: words }) : undefined;
    // An answer may be tool calls and nothing else.
    const said = text ?? (pieces === undefined ? '' : undefined);
    return { text: said, pieces: pieces ?? said.match(/\S+\s*|\s+/g) ?? [], toolCalls, counted, finishReason };
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      timer.unref();
      this.#timers.add(timer);
    });
  }
}

function parsed(raw) {
  try {
    const value = JSON.parse(raw.toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
