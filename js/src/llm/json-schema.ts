/**
 * JSON Schema: whether a schema is one, checked at the call that is given it, and whether a value fits it.
 *
 * The validator is @cfworker/json-schema: it interprets the schema and compiles no code, so it works where a page's
 * Content-Security-Policy forbids eval; ajv, which is better known, does not. It is loaded when a schema is used for the
 * first time; from then on (under virtual time from the runtime's beginning on, since there the moment at which a file was
 * read must not show) checking is synchronous.
 *
 * It knows the drafts 7, 2019-09 and 2020-12, and their `format`s. What it would ignore in silence, or fail at only when an
 * answer is there, is refused at the call: an unknown draft, `$dynamicRef`, a reference that leads nowhere or out of the
 * schema. It does not load in a worker that was made of a blob by a page with a port in its address (it makes an address of
 * both); the single-file build has that mended.
 * Partner: `schema.ts`.
 */

import type { OutputUnit, SchemaDraft, Validator } from '@cfworker/json-schema';
import { ArgumentError, HeddleError, type SchemaProblem } from '../errors.js';

/** A JSON Schema, as an object. */
export type JSONSchema = Readonly<Record<string, unknown>>;

/** So deep may schemas within schemas be. */
const maxDepth = 100;

/** A value whose text is longer is checked up to its first problem in each object or list. */
export const longText = 65_536;

// --- Is it a schema? ---

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'string');
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isPattern = (value: unknown): boolean => {
  if (typeof value !== 'string') return false;
  try {
    new RegExp(value, 'u');
    return true;
  } catch {
    return false;
  }
};
const typeNames = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
const isType = (value: unknown): boolean => typeNames.includes(value as string);

/** What a keyword's value must be, where that is no schema. */
const values = new Map<string, readonly [isRight: (value: unknown) => boolean, wanted: string]>(Object.entries<readonly [(value: unknown) => boolean, string]>({
  type: [(value) => isType(value) || (Array.isArray(value) && value.length > 0 && value.every(isType)), `one of ${typeNames.join(', ')}, or an array of them`],
  enum: [Array.isArray, 'an array'],
  required: [isStrings, 'an array of property names'],
  dependentRequired: [(value) => isObject(value) && Object.values(value).every(isStrings), 'an object of arrays of property names'],
  pattern: [isPattern, 'a regular expression, as a string'],
  format: [(value) => typeof value === 'string', 'a string'],
  minimum: [isNumber, 'a number'],
  maximum: [isNumber, 'a number'],
  exclusiveMinimum: [isNumber, 'a number'],
  exclusiveMaximum: [isNumber, 'a number'],
  multipleOf: [(value) => isNumber(value) && (value as number) > 0, 'a number above 0'],
  minLength: [isCount, 'a whole number, 0 or more'],
  maxLength: [isCount, 'a whole number, 0 or more'],
  minItems: [isCount, 'a whole number, 0 or more'],
  maxItems: [isCount, 'a whole number, 0 or more'],
  minContains: [isCount, 'a whole number, 0 or more'],
  maxContains: [isCount, 'a whole number, 0 or more'],
  minProperties: [isCount, 'a whole number, 0 or more'],
  maxProperties: [isCount, 'a whole number, 0 or more'],
  uniqueItems: [(value) => typeof value === 'boolean', 'a boolean'],
}));

/** Where schemas stand within a schema: one, a list, either, or one a name. */
type Place = 'one' | 'list' | 'either' | 'named';
const places = new Map<string, Place>(Object.entries<Place>({
  additionalItems: 'one',
  additionalProperties: 'one',
  contains: 'one',
  else: 'one',
  if: 'one',
  not: 'one',
  propertyNames: 'one',
  then: 'one',
  unevaluatedItems: 'one',
  unevaluatedProperties: 'one',
  allOf: 'list',
  anyOf: 'list',
  oneOf: 'list',
  prefixItems: 'list',
  items: 'either',
  $defs: 'named',
  definitions: 'named',
  dependentSchemas: 'named',
  patternProperties: 'named',
  properties: 'named',
}));

/** Only for resolving references within a schema; nothing is ever fetched. */
const anyBase = 'https://schema.invalid/';

/** A schema's own copy, after a look at every keyword and reference. Throws an ArgumentError that names what is wrong. */
export function checkedSchema(operation: string, key: string, schema: unknown): JSONSchema {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(schema));
  } catch (error) {
    throw new ArgumentError(operation, `${key} is no JSON Schema: it cannot be written as JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isObject(copy)) throw new ArgumentError(operation, `${key} must be a JSON Schema, as an object, or a Standard Schema`);
  const refuse = (path: string, text: string): never => {
    throw new ArgumentError(operation, `${key} is no JSON Schema that can be checked: ${path === '' ? 'its root' : path} ${text}`);
  };
  if (draftOf(copy) === undefined) refuse('/$schema', `must name draft-07, 2019-09 or 2020-12, got ${JSON.stringify(copy['$schema'])}`);
  new Walk(refuse).schema(copy);
  return copy;
}

class Walk {
  readonly #refs: { path: string; target: URL }[] = [];
  // Of what a reference may name: the schemas with an address of their own, the root among them, and the anchors.
  readonly #resources = new Map<string, unknown>();
  readonly #anchors = new Set<string>();

  constructor(private readonly refuse: (path: string, text: string) => never) {}

  schema(root: Record<string, unknown>): void {
    this.#resources.set(anyBase, root);
    this.#look(root, '', anyBase, 0);
    for (const { path, target } of this.#refs) this.#resolve(path, target);
  }

  #look(schema: unknown, path: string, outerBase: string, depth: number): void {
    if (typeof schema === 'boolean') return;
    if (!isObject(schema)) return this.refuse(path, 'must be a schema: an object, true or false');
    if (depth > maxDepth) this.refuse(path, `lies deeper than ${maxDepth} schemas`);
    const base = this.#named(schema, path, outerBase);
    for (const [keyword, value] of Object.entries(schema)) {
      const at = `${path}/${keyword}`;
      const form = values.get(keyword);
      if (form !== undefined && !form[0](value)) this.refuse(at, `must be ${form[1]}`);
      const place = places.get(keyword);
      if (place !== undefined) this.#inner(keyword, place, value, at, base, depth + 1);
      if (keyword === 'dependencies') this.#dependencies(value, at, base, depth + 1);
      if (keyword === '$ref') this.#ref(value, at, base);
      if (keyword === '$dynamicRef') this.refuse(at, 'is not supported; use $ref');
    }
  }

  #inner(keyword: string, place: Place, value: unknown, at: string, base: string, depth: number): void {
    if (place === 'one' || (place === 'either' && !Array.isArray(value))) {
      this.#look(value, at, base, depth);
    } else if (place === 'named') {
      if (!isObject(value)) return this.refuse(at, 'must be an object of schemas');
      for (const [name, each] of Object.entries(value)) {
        if (keyword === 'patternProperties' && !isPattern(name)) this.refuse(`${at}/${escaped(name)}`, 'must be named by a regular expression');
        this.#look(each, `${at}/${escaped(name)}`, base, depth);
      }
    } else {
      if (!Array.isArray(value) || value.length === 0) return this.refuse(at, 'must be an array of schemas, one at least');
      value.forEach((each, i) => this.#look(each, `${at}/${i}`, base, depth));
    }
  }

  #dependencies(value: unknown, at: string, base: string, depth: number): void {
    if (!isObject(value)) return this.refuse(at, 'must be an object of schemas, or of arrays of property names');
    for (const [name, each] of Object.entries(value)) {
      if (!isStrings(each)) this.#look(each, `${at}/${escaped(name)}`, base, depth);
    }
  }

  // Notes by what a reference may name this schema; gives what references within it are relative to.
  #named(schema: Record<string, unknown>, path: string, base: string): string {
    const { $id, $anchor } = schema;
    let own = base;
    if ($id !== undefined) {
      const address = typeof $id === 'string' ? parsed($id, base) : undefined;
      if (address === undefined) return this.refuse(`${path}/$id`, 'must be an address, as a string');
      if (address.hash.length > 1) {
        this.#anchors.add(address.href);
      } else {
        address.hash = '';
        own = address.href;
        this.#resources.set(own, schema);
      }
    }
    if ($anchor !== undefined) {
      if (typeof $anchor !== 'string') return this.refuse(`${path}/$anchor`, 'must be a string');
      this.#anchors.add(new URL(`#${$anchor}`, own).href);
    }
    return own;
  }

  #ref(value: unknown, at: string, base: string): void {
    const target = typeof value === 'string' && value !== '' ? parsed(value, base) : undefined;
    if (target === undefined) return this.refuse(at, 'must be a reference, as a string');
    this.#refs.push({ path: at, target });
  }

  #resolve(path: string, target: URL): void {
    if (this.#anchors.has(target.href)) return;
    const { hash } = target;
    target.hash = '';
    let found = this.#resources.get(target.href);
    if (found === undefined) return this.refuse(path, 'must refer to a part of the same schema: nothing is fetched');
    for (const step of pointer(hash)) {
      const isThere = (isObject(found) || Array.isArray(found)) && Object.hasOwn(found, step);
      found = isThere ? (found as Record<string, unknown>)[step] : undefined;
    }
    if (!isObject(found) && typeof found !== 'boolean') this.refuse(path, 'refers to nothing');
  }
}

function parsed(address: string, base: string): URL | undefined {
  try {
    return new URL(address, base);
  } catch {
    return undefined;
  }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

// The steps of `#/a/b`; an anchor that nothing has is one step to nowhere.
function pointer(hash: string): string[] {
  if (hash.length <= 1) return [];
  let text = hash.slice(1);
  try {
    text = decodeURIComponent(text);
  } catch {
    // As it stands, then.
  }
  if (!text.startsWith('/')) return [text];
  return text.slice(1).split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function draftOf(schema: JSONSchema): SchemaDraft | undefined {
  const { $schema } = schema;
  if ($schema === undefined) return '2020-12';
  const named = typeof $schema === 'string' ? /draft[-/](0?7|2019-09|2020-12)\b/.exec($schema)?.[1] : undefined;
  return named === undefined ? undefined : named.endsWith('7') ? '7' : (named as SchemaDraft);
}

// --- Does a value fit it? ---

type Library = { Validator: typeof Validator };
let library: Library | undefined;
let loading: Promise<void> | undefined;
let failure: unknown;

/** Loads the validator, once; a failure is told where it is used. */
export function loadValidator(): Promise<void> {
  loading ??= import('@cfworker/json-schema').then(
    (loaded) => {
      library = loaded;
    },
    (error: unknown) => {
      // The next use tries again: a page's network may be back.
      loading = undefined;
      failure = error;
    },
  );
  return loading;
}

/** Whether values fit a schema that checkedSchema() gave: no problem, or all that are worth telling. */
export class SchemaValidator {
  readonly #schema: JSONSchema;
  readonly #made: (Validator | undefined)[] = [undefined, undefined];

  constructor(schema: JSONSchema) {
    this.#schema = schema;
    if (library === undefined) void loadValidator();
  }

  /** `isLong`: the value is so large that one problem a place is enough. Throws where the validator cannot be loaded. */
  problems(value: unknown, isLong: boolean): SchemaProblem[] | Promise<SchemaProblem[]> {
    if (library !== undefined) return this.#check(library, value, isLong);
    return loadValidator().then(() => {
      if (library === undefined) throw new HeddleError('Unsupported', `@cfworker/json-schema, which checks JSON Schema, could not be loaded: ${(failure as Error).message}`, { cause: failure });
      return this.#check(library, value, isLong);
    });
  }

  #check({ Validator: Type }: Library, value: unknown, isLong: boolean): SchemaProblem[] {
    try {
      // It writes its notes into the schema, so it gets one of its own.
      const validator = (this.#made[Number(isLong)] ??= new Type(JSON.parse(JSON.stringify(this.#schema)), draftOf(this.#schema), isLong));
      const { valid, errors } = validator.validate(value);
      return valid ? [] : told(errors);
    } catch (error) {
      // A value as deep as the stack, a name that is half a character.
      return [{ path: '', message: `could not be checked: ${(error as Error).message.split('\n', 1)[0]!.slice(0, 200)}` }];
    }
  }
}

/** Keywords whose errors only say that there are others below. */
const wrappers = new Set([
  '$ref', '$recursiveRef', 'additionalItems', 'additionalProperties', 'allOf', 'dependentSchemas', 'if', 'items', 'patternProperties', 'prefixItems',
  'properties', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties',
]);

function told(errors: readonly OutputUnit[]): SchemaProblem[] {
  const own = errors.filter(({ keyword }) => !wrappers.has(keyword));
  return (own.length > 0 ? own : errors).map(({ instanceLocation, keyword, error }) => ({
    path: location(instanceLocation),
    message: keyword === 'false' ? 'is not allowed here' : error,
  }));
}

// `#/a%20b` as a JSON pointer, without the escapes of addresses.
function location(instance: string): string {
  const text = instance.slice(1);
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
