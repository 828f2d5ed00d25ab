// The same in a module worker: the message is the variant, the answer the outcomes.

import * as heddle from 'heddle';
import { runScenarios } from '../../support/scenarios.mjs';

self.onmessage = async ({ data }) => self.postMessage(await runScenarios(heddle, data));
