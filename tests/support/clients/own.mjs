/** Drivers of Heddle's own providers: the calls of a runtime that is connected to the test server. Partner: `outcome.mjs`. */

import { asking } from '../calls.mjs';
import { providers } from '../llm-client.mjs';
import { outcomeOf } from './outcome.mjs';

const kTools = [
  {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
];

/** One driver a protocol. connect() takes the runtime, whose provider is providerOf(server). */
export const ownClients = Object.entries(providers).map(([protocol, providerOf]) => ({
  name: `heddle ${protocol}`,
  protocol,
  providerOf,
  connect:
    ({ rt }) =>
    ({ prompt, stream = false, signal, tools = false }) =>
      outcomeOf(() => asking[stream ? 'llmStream' : 'llm'](rt, prompt, { signal, ...(tools && { tools: kTools }) })),
}));
