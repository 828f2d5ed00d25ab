/**
 * The timeline: one row a fiber, one bar a phase, on one axis of time that ends now.
 *
 * Rows are drawn at every animation frame from what phases.ts saw in that frame, all at one instant. A phase's bar begins where
 * the core says that it began; one that came and went between two frames is not drawn.
 */

import type { Task } from 'heddle';
import { byId, element, setText, svg } from './dom.js';
import { isSettled, phases, type Phase, type Sighting } from './phases.js';
import { plan, type Planned } from './program.js';

interface Bar {
  phase: Phase;
  from: number;
  to: number;
  rect: SVGRectElement;
}

export class Row {
  task: Task | undefined;
  phase: Phase = 'planned';
  readonly item = element('li');
  readonly name: HTMLButtonElement;
  readonly cancel: HTMLButtonElement;
  readonly #track = svg('svg', { class: 'track', 'aria-hidden': 'true' });
  readonly #state = element('span', 'state');
  #bars: Bar[] = [];

  constructor(readonly planned: Planned) {
    const { name, depth, priority } = planned;
    // Sources are named after their topic, which the row above shows.
    this.name = element('button', 'name', name.split(': ').at(-1)!);
    this.name.type = 'button';
    this.name.title = `${name}, priority ${priority}`;
    this.name.setAttribute('aria-label', `${name}: why is it waiting?`);
    this.name.setAttribute('aria-pressed', 'false');
    this.cancel = element('button', 'cancel', 'Cancel');
    this.cancel.type = 'button';
    this.cancel.setAttribute('aria-label', `Cancel ${name}`);
    this.item.dataset['depth'] = String(depth);
    this.item.dataset['name'] = name;
    this.item.append(this.name, this.#track, this.#state, this.cancel);
    this.clear();
  }

  clear(): void {
    this.task = undefined;
    this.#bars = [];
    this.#track.replaceChildren();
    this.#show('planned');
  }

  see({ phase, since }: Sighting, now: number): void {
    const last = this.#bars.at(-1);
    if (last === undefined || last.phase !== phase || (last.from !== since && !isSettled(phase))) {
      if (last !== undefined && !isSettled(last.phase)) last.to = since;
      const rect = svg('rect', { y: isSettled(phase) ? '0' : '20%', height: isSettled(phase) ? '100%' : '60%', class: `bar ${phase}` });
      if (!isSettled(phase)) rect.setAttribute('rx', '2');
      this.#track.append(rect);
      this.#bars.push({ phase, from: since, to: since, rect });
    }
    const current = this.#bars.at(-1)!;
    if (!isSettled(phase)) current.to = now;
    this.#show(phase);
  }

  place(start: number, span: number): void {
    for (const { phase, from, to, rect } of this.#bars) {
      rect.setAttribute('x', percent((from - start) / span));
      rect.setAttribute('width', isSettled(phase) ? '3' : percent(Math.max(to - from, 0) / span));
    }
  }

  #show(phase: Phase): void {
    this.phase = phase;
    if (this.item.dataset['phase'] === phase) return;
    this.item.dataset['phase'] = phase;
    setText(this.#state, phases[phase]);
    this.cancel.setAttribute('aria-disabled', String(phase === 'planned' || isSettled(phase)));
  }
}

/** A count over time, with the limit that it must keep. */
export class Meter {
  readonly item = element('div', 'meter');
  readonly #state = element('span', 'state');
  readonly #area = svg('path', { class: 'area' });
  readonly #limit = svg('path', { class: 'limit' });
  #points: { at: number; value: number; limit: number }[] = [];
  peak = 0;

  constructor(
    id: string,
    readonly title: string,
  ) {
    const chart = svg('svg', { class: 'track', viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    chart.append(this.#area, this.#limit);
    this.item.id = id;
    this.item.append(element('span', 'name', title), chart, this.#state, element('span'));
  }

  clear(): void {
    this.#points = [];
    this.peak = 0;
    this.place(0, 1, 0);
    setText(this.#state, '');
  }

  see(at: number, value: number, limit: number): void {
    const last = this.#points.at(-1);
    if (last?.value !== value || last.limit !== limit) this.#points.push({ at, value, limit });
    this.peak = Math.max(this.peak, value);
    setText(this.#state, `${value} of ${limit}`);
    this.item.dataset['value'] = String(value);
    this.item.dataset['limit'] = String(limit);
    this.item.dataset['peak'] = String(this.peak);
  }

  place(start: number, span: number, now: number): void {
    if (this.#points.length === 0) {
      this.#area.setAttribute('d', '');
      this.#limit.setAttribute('d', '');
      return;
    }
    const top = 1.15 * Math.max(...this.#points.map(({ value, limit }) => Math.max(value, limit)));
    const x = (at: number): string => (((at - start) / span) * 1000).toFixed(2);
    const y = (value: number): string => (100 - (value / top) * 100).toFixed(2);
    const steps = (of: 'value' | 'limit'): string => this.#points.map((point) => `H${x(point.at)}V${y(point[of])}`).join('');
    const [first] = this.#points;
    this.#area.setAttribute('d', `M${x(first!.at)},100${steps('value')}H${x(now)}V100Z`);
    this.#limit.setAttribute('d', `M${x(first!.at)},${y(first!.limit)}${steps('limit')}H${x(now)}`);
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;

export const rows = plan.map((planned) => new Row(planned));
export const calls = new Meter('calls-meter', 'Calls in flight');
export const slots = new Meter('slots-meter', 'Tasks with a slot');

/** The least span that the axis shows, so that the first bars do not jump. */
const leastSpan = 1500;

export function place(start: number, now: number): void {
  const span = Math.max(now - start, leastSpan);
  for (const row of rows) row.place(start, span);
  for (const meter of [calls, slots]) meter.place(start, span, now);
  drawAxis(span);
}

let drawn = '';

function drawAxis(span: number): void {
  const axis = byId<SVGSVGElement>('axis');
  // As many marks as have room, at 1, 2 or 5 times a power of ten.
  const room = Math.max(axis.clientWidth / 80, 2);
  const power = 10 ** Math.floor(Math.log10(span / room));
  const step = [1, 2, 5, 10].map((n) => n * power).find((ms) => span / ms <= room)!;
  const key = `${span} ${step}`;
  if (key === drawn) return;
  drawn = key;
  const marks: SVGElement[] = [];
  for (let at = 0; at <= span; at += step) {
    const x = percent(at / span);
    marks.push(svg('line', { x1: x, x2: x, y1: 18, y2: '100%' }));
    const text = svg('text', { x, y: 12, 'text-anchor': at === 0 ? 'start' : at / span > 0.97 ? 'end' : 'middle' });
    text.textContent = `${+(at / 1000).toFixed(2)} s`;
    marks.push(text);
  }
  axis.replaceChildren(...marks);
}
