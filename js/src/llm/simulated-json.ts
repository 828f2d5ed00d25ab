/**
 * JSON for the simulated provider, where a request wants its answer in that form: an object with the plausible text, or a
 * value made after the request's schema. Invariant: always JSON, and a pure function of its arguments; it ends, however
 * deep or recursive the schema is. It keeps to types, properties, items, enumerations, references within the schema, the
 * first of several alternatives, and bounds; not to `pattern`, `not`, `if` and what relates properties to each other: a
 * schema that needs those wants a `script`. Partners: `simulated.ts`, `simulated-text.ts`.
 */

type Bag = Readonly<Record<string, unknown>>;

// Beyond it only what is required is made; far beyond it nothing.
const kDeep = 4;
const kTooDeep = 24;
// A schema may be recursive in many places, or ask for a billion items.
const kMostValues = 2000;
const kLongestText = 100_000;

const kFormats: Readonly<Record<string, string>> = {
  'date-time': '2024-01-01T12:00:00Z',
  date: '2024-01-01',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'someone@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  'uri-reference': '/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** The JSON of an answer. `text` gives plausible words, `draw` numbers of [0, 1). */
export function plausibleJSON(schema: Bag | undefined, text: string, draw: () => number): string {
  if (schema === undefined) return JSON.stringify({ answer: text });
  return JSON.stringify(new Maker(schema, text, draw).value(schema, 0) ?? null);
}

class Maker {
  #made = 0;

  constructor(
    private readonly root: Bag,
    private readonly text: string,
    private readonly draw: () => number,
  ) {}

  value(schema: unknown, depth: number): unknown {
    if (typeof schema !== 'object' || schema === null || depth > kTooDeep || ++this.#made > kMostValues) return null;
    const bag = schema as Bag;
    if ('const' in bag) return bag['const'];
    const { enum: choices } = bag;
    if (Array.isArray(choices) && choices.length > 0) return choices[Math.floor(this.draw() * choices.length)];
    if (typeof bag['$ref'] === 'string') return this.value(this.#found(bag['$ref']), depth + 1);
    const { anyOf, oneOf, allOf, ...rest } = bag;
    const alternative = [anyOf, oneOf].find((list) => Array.isArray(list) && list.length > 0) as Bag[] | undefined;
    // What ends soonest comes first where we are deep: a leaf of a tree is not the alternative with children.
    if (alternative !== undefined) return this.value({ ...rest, ...alternative.at(depth > kDeep ? -1 : 0) }, depth + 1);
    if (Array.isArray(allOf)) return this.value(this.#joined(rest, allOf as unknown[]), depth + 1);
    return this.#typed(bag, depth);
  }

  #typed(bag: Bag, depth: number): unknown {
    const { type } = bag;
    switch (Array.isArray(type) ? (type as unknown[]).find((name) => name !== 'null') : type) {
      case 'object':
        return this.#object(bag, depth);
      case 'array':
        return this.#array(bag, depth);
      case 'string':
        return this.#string(bag);
      case 'integer':
        return this.#number(bag, 1);
      case 'number':
        return this.#number(bag, 0);
      case 'boolean':
        return this.draw() < 0.5;
      case undefined:
        if (bag['properties'] !== undefined) return this.#object(bag, depth);
        return bag['items'] !== undefined ? this.#array(bag, depth) : this.#string(bag);
      default:
        return null;
    }
  }

  #object(bag: Bag, depth: number): unknown {
    const properties = (bag['properties'] ?? {}) as Bag;
    const required = Array.isArray(bag['required']) ? (bag['required'] as string[]) : [];
    const names = depth > kDeep ? required : [...new Set([...Object.keys(properties), ...required])];
    return Object.fromEntries(names.map((name) => [name, this.value(properties[name] ?? {}, depth + 1)]));
  }

  #array(bag: Bag, depth: number): unknown[] {
    const { items, prefixItems, minItems, maxItems } = bag;
    const first = Array.isArray(prefixItems) ? (prefixItems as unknown[]) : [];
    const least = Math.max(first.length, typeof minItems === 'number' ? minItems : 0);
    const most = typeof maxItems === 'number' ? maxItems : Infinity;
    const length = depth > kDeep ? least : Math.max(least, Math.min(most, 1 + Math.floor(this.draw() * 3)));
    return Array.from({ length: items === false ? first.length : Math.min(length, kMostValues) }, (_, i) => this.value(first[i] ?? items ?? {}, depth + 1));
  }

  #string({ format, minLength = 0, maxLength = Infinity }: Bag): string {
    if (typeof format === 'string' && Object.hasOwn(kFormats, format)) return kFormats[format] as string;
    return [...this.text.padEnd(Math.min(minLength as number, kLongestText), '.')].slice(0, maxLength as number).join('');
  }

  #number(bag: Bag, step: number): number {
    const bound = (name: string): number | undefined => (typeof bag[name] === 'number' ? bag[name] : undefined);
    const unit = bound('multipleOf') ?? (step || 0.5);
    const above = bound('exclusiveMinimum');
    const below = bound('exclusiveMaximum');
    const given = bound('minimum') ?? (above === undefined ? undefined : above + unit);
    const most = bound('maximum') ?? (below === undefined ? undefined : below - unit);
    const least = given ?? Math.min(0, most ?? 0);
    const from = Math.ceil(least / unit);
    const to = Math.max(from, Math.floor((most ?? least + 100 * unit) / unit));
    return (from + Math.floor(this.draw() * (to - from + 1))) * unit;
  }

  #joined(rest: Bag, parts: readonly unknown[]): Bag {
    let joined = rest;
    for (const part of parts) {
      const { $ref, ...own } = (part ?? {}) as Bag;
      const found = typeof $ref === 'string' ? { ...(this.#found($ref) as Bag | undefined), ...own } : own;
      joined = {
        ...joined,
        ...found,
        properties: { ...(joined['properties'] as Bag | undefined), ...(found['properties'] as Bag | undefined) },
        required: [joined['required'] ?? [], found['required'] ?? []].flat(),
      };
    }
    return joined;
  }

  #found(reference: string): unknown {
    if (!reference.startsWith('#')) return undefined;
    const steps = reference.slice(1).split('/').slice(1);
    let at: unknown = this.root;
    for (const step of steps) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Bag)[name] : undefined;
    }
    return at;
  }
}
