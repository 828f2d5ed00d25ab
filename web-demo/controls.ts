/** The sliders: what they say, as the page's words and as the runtime's configuration. */

import type { SchedulerConfig } from 'heddle';
import type { Weather } from './program.js';
import { byId } from './dom.js';

const input = (id: string): HTMLInputElement => byId<HTMLInputElement>(id);

// The slider's end. Still a rate, so that the requests of the last minute count when it is lowered.
const noRate = 105;
const rate = (value: number): number => (value < noRate ? value : 1_000_000);

const shown: Record<string, (value: number) => string> = {
  tasks: String,
  calls: String,
  rate: (requests) => (requests < noRate ? String(requests) : 'no limit'),
  latency: (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`),
  failures: (percent) => `${percent} %`,
};

export function limits(): { maxConcurrentTasks: number; maxConcurrentLLMCalls: number } & SchedulerConfig {
  return {
    maxConcurrentTasks: input('tasks').valueAsNumber,
    maxConcurrentLLMCalls: input('calls').valueAsNumber,
    rates: { requestsPerMinute: rate(input('rate').valueAsNumber) },
    fairnessMode: byId<HTMLSelectElement>('fairness').value as 'fifo',
  };
}

export const weather: Weather = {
  latency: () => input('latency').valueAsNumber,
  failures: () => input('failures').valueAsNumber / 100,
};

/** Calls back whenever a limit moves, and keeps the numbers beside the sliders true. */
export function watchControls(changed: () => void): void {
  const show = (): void => {
    for (const [id, text] of Object.entries(shown)) {
      const value = text(input(id).valueAsNumber);
      document.querySelector(`output[for=${id}]`)!.textContent = value;
      input(id).setAttribute('aria-valuetext', value);
    }
  };
  show();
  byId('controls').addEventListener('input', () => {
    show();
    changed();
  });
}
