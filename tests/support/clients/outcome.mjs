/**
 * What came out of a call, in the same words for every client: {outcome: 'answer', text, toolCalls} or {outcome: 'error',
 * name, status, kind, error}. Invariant: an error stays one, and only errors become one: a client that gives a broken
 * stream as an answer has given an answer. `status` is the first one along the chain of causes, `kind` the kind of the
 * LLMError in that chain, if there is one. Partners: the drivers of this folder.
 *
 * A driver is {name, protocol, connect({fetch, url, maxRetries}) -> ask({prompt, stream, signal}) -> outcome}; `url` is the
 * test server's, and what is left out stays at the client's own default.
 */

/** The outcome of asking: of a function that gives {text, toolCalls}. */
export async function outcomeOf(asking) {
  try {
    const { text, toolCalls } = await asking();
    return { outcome: 'answer', text, ...(toolCalls?.length > 0 && { toolCalls }) };
  } catch (error) {
    const chain = causesOf(error);
    return {
      outcome: 'error',
      name: nameOf(error),
      status: chain.map(({ status, statusCode }) => status ?? statusCode).find((status) => status !== undefined),
      kind: chain.find((each) => each.name === 'LLMError')?.kind,
      error,
    };
  }
}

function causesOf(error) {
  const chain = [];
  // A client that tried several times keeps the errors in a list; the last one is what it ended by.
  for (let at = error; typeof at === 'object' && at !== null && chain.length < 8; at = at.cause ?? at.lastError) chain.push(at);
  return chain;
}

// Some clients give their errors no name but that of their class.
const nameOf = (error) => (error?.name === 'Error' || error?.name === undefined ? (error?.constructor?.name ?? String(error)) : error.name);

/** Only those options that were given, so that what was not stays at the client's default. */
export const given = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
