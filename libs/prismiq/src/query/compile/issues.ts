import { InvalidQueryError, type QueryIssue } from '../../errors/query.errors.js';
import { MAX_ISSUES } from '../../errors/record.errors.js';

/** Collects the faults of a query, so that its author learns of all at once. */
export class Issues {
  readonly #issues: QueryIssue[] = [];
  /** A calculated field fails with the same error wherever it is used. */
  readonly #seen = new Set<unknown>();

  add(issue: QueryIssue): void {
    if (this.#issues.length < MAX_ISSUES) {
      this.#issues.push(issue);
    }
  }

  /**
   * Does a part of the work.
   *
   * @param field where its fault stands in the definition
   * @returns undefined if it has a fault
   */
  attempt<T>(field: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof InvalidQueryError)) {
        throw error;
      }
      if (!this.#seen.has(error)) {
        this.#seen.add(error);
        error.issues.forEach((issue) => this.add({ field, ...issue }));
      }
      return undefined;
    }
  }

  /** @throws InvalidQueryError if there was a fault */
  throwIfAny(): void {
    if (this.#issues.length > 0) {
      throw new InvalidQueryError(this.#issues);
    }
  }
}
