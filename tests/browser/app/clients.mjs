// The package and the official clients, as an app bundles them: puts both where a test finds them.

import * as heddle from 'heddle/single-file';
import { aiClients } from '../../support/clients/ai.mjs';
import { anthropicClients } from '../../support/clients/anthropic.mjs';
import { openaiClients } from '../../support/clients/openai.mjs';

globalThis.heddle = heddle;
globalThis.clients = new Map([...openaiClients, ...anthropicClients, ...aiClients].map((client) => [client.name, client]));
