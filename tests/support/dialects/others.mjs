/**
 * What the test server answers besides conversations: embeddings of the OpenAI protocol, and two paths that no model
 * stands behind, so that a client's other requests can be counted too. Partner: `../llm-dialects.mjs`.
 */

import { openaiError, openaiRefusals } from './chat.mjs';

const kDimensions = 4;

// A vector that depends on the text alone: sums of its characters by position.
function vectorOf(text) {
  const sums = new Float32Array(kDimensions);
  for (let i = 0; i < text.length; i++) sums[i % kDimensions] += text.charCodeAt(i) / 128;
  return sums;
}

const inputsOf = ({ input = [] } = {}) => (Array.isArray(input) ? input : [input]).map(String);

// The official client asks for base64 and turns it into numbers itself.
const written = (vector, format) => (format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]);

/** POST /v1/embeddings. What `respond` gives is not used; the vectors come from the input. */
export const embeddings = {
  ...openaiRefusals,
  requestIdHeader: 'x-request-id',
  streams: false,

  promptOf: (body) => inputsOf(body).join('\n'),

  whole(call, { usage }) {
    const data = inputsOf(call.body).map((text, index) => ({
      object: 'embedding',
      index,
      embedding: written(vectorOf(text), call.body.encoding_format),
    }));
    const { input: prompt_tokens } = usage ?? {};
    return {
      object: 'list',
      data,
      model: call.model,
      ...(usage && { usage: { prompt_tokens, total_tokens: prompt_tokens } }),
    };
  },

  error: openaiError,
};

/** GET /plain gives the answer's text; POST /echo gives back what was sent. Neither needs JSON. */
const plainWith = (written) => ({
  ...openaiRefusals,
  requestIdHeader: 'x-request-id',
  streams: false,
  takesAnything: true,
  promptOf: (_body, raw) => raw.toString(),
  written,
  // For the faults that begin an answer and break off.
  whole: (call, answer) => ({ plain: written(call, answer).body.toString() }),
  error: openaiError,
});

export const plain = plainWith((call, { text }) => ({ type: 'text/plain; charset=utf-8', body: Buffer.from(text) }));

export const echo = plainWith((call) => ({
  type: call.headers['content-type'] ?? 'application/octet-stream',
  body: call.raw,
}));
