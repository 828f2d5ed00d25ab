/**
 * What users give where a schema is wanted: a JSON Schema, or a schema of their own library that speaks Standard Schema
 * (https://standardschema.dev: zod, valibot, arktype, effect, ...). Both become one thing: a JSON Schema to show a model,
 * where there is one, and a check of a value. Invariant: it is the call's own; what the caller does to a JSON Schema
 * afterwards changes nothing.
 * Partners: `json-schema.ts`; `structured.ts` (answers) and `tools.ts` (arguments), which use it.
 */

import { ArgumentError, type SchemaProblem } from '../errors.js';
import { checkedSchema, SchemaValidator, type JSONSchema } from './json-schema.js';

/** A schema of any library that speaks Standard Schema 1; what Heddle needs of it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Standard JSON Schema, where the library has it. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' | 'draft-07' }) => Record<string, unknown> } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined }[] };

/** The type of the values that a Standard Schema gives. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

/** Where a value was asked for. */
export type Checked = { readonly value: unknown } | { readonly problems: readonly SchemaProblem[] };

export interface CheckedSchema {
  /** For a model; undefined where the library cannot write its schema as JSON Schema. */
  readonly json: JSONSchema | undefined;
  /** The value as the schema gives it, which may have changed it, or its problems. `isLong`: see SchemaValidator. */
  check(value: unknown, isLong: boolean): Checked | Promise<Checked>;
}

/** Either kind of schema, checked. `key` is what the caller calls it, for messages. */
export function schemaOf(operation: string, key: string, schema: unknown): CheckedSchema {
  // The schemas of some libraries are functions.
  const isAny = (typeof schema === 'object' && schema !== null) || typeof schema === 'function';
  const standard = isAny ? (schema as { '~standard'?: unknown })['~standard'] : undefined;
  if (standard === undefined) return new FromJSONSchema(checkedSchema(operation, key, schema));
  const { version, validate } = (standard ?? {}) as { version?: unknown; validate?: unknown };
  if (version !== 1 || typeof validate !== 'function') {
    throw new ArgumentError(operation, `${key} has a "~standard" that is not Standard Schema version 1`);
  }
  return new FromStandardSchema(operation, key, (schema as StandardSchema)['~standard']);
}

class FromJSONSchema implements CheckedSchema {
  readonly #validator: SchemaValidator;

  constructor(readonly json: JSONSchema) {
    this.#validator = new SchemaValidator(json);
  }

  check(value: unknown, isLong: boolean): Checked | Promise<Checked> {
    const problems = this.#validator.problems(value, isLong);
    const checked = (found: SchemaProblem[]): Checked => (found.length === 0 ? { value } : { problems: found });
    return problems instanceof Promise ? problems.then(checked) : checked(problems);
  }
}

class FromStandardSchema implements CheckedSchema {
  readonly json: JSONSchema | undefined;

  constructor(
    operation: string,
    key: string,
    private readonly standard: StandardSchema['~standard'],
  ) {
    const json = written(standard);
    this.json = json === undefined ? undefined : checkedSchema(operation, `${key}'s JSON Schema`, json);
  }

  check(value: unknown): Checked | Promise<Checked> {
    const result = this.standard.validate(value);
    return result instanceof Promise ? result.then(checkedOf) : checkedOf(result);
  }
}

// What a model must write is the schema's input; the output is what the schema makes of it.
function written({ jsonSchema }: StandardSchema['~standard']): Record<string, unknown> | undefined {
  if (typeof jsonSchema?.input !== 'function') return undefined;
  for (const target of ['draft-2020-12', 'draft-07'] as const) {
    try {
      return jsonSchema.input({ target });
    } catch {
      // Not this draft, or nothing that JSON Schema has words for.
    }
  }
  return undefined;
}

function checkedOf(result: StandardResult<unknown>): Checked {
  if (result.issues === undefined) return { value: result.value };
  return {
    problems: result.issues.map(({ message, path = [] }) => ({
      path: path.map((step) => `/${String(typeof step === 'object' ? step.key : step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
      message: String(message),
    })),
  };
}
