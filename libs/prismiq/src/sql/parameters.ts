/** Collects the bound values of one statement and hands out their placeholders. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Binds a value and returns its placeholder, e.g. `$3`. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** Binds a JSON document. Sent as text, since `pg` would send an array as a PostgreSQL array. */
  json(value: unknown): string {
    return `${this.add(value === null || value === undefined ? null : JSON.stringify(value))}::jsonb`;
  }
}
