/**
 * Names of fairness keys as the kernel's numbers. A number is given back when the last task that named it ended, so that
 * a service with ever new tenants does not grow.
 */

export class FairnessKeys {
  readonly #keys = new Map<string, { id: number; uses: number }>();
  readonly #free: number[] = [];

  /** The key's number; one more task uses it. */
  use(name: string): number {
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = { id: this.#free.pop() ?? this.#keys.size + 1, uses: 0 };
      this.#keys.set(name, key);
    }
    key.uses++;
    return key.id;
  }

  /** One task less uses it. */
  release(name: string | undefined): void {
    const key = name === undefined ? undefined : this.#keys.get(name);
    if (key === undefined || --key.uses > 0) return;
    this.#keys.delete(name!);
    this.#free.push(key.id);
  }
}
