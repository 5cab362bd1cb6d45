import { executorOf, type SqlTarget } from '../sql/sql-target.js';
import { inChunks } from './in-chunks.js';
import type { IsolationOptions, IsolationTenant, Leak } from './isolation-options.js';
import { claimsOf, send, stringsIn, type Answer, type IsolationRequest } from './isolation-requests.js';
import { rowsOf } from './tenant-rows.js';

/** So many requests are under way at a time. */
const CONCURRENCY = 16;
/** So often each tenant's own requests are sent while the others send theirs. */
const ROUNDS = 5;
const EVIDENCE = 5;
/** Shorter texts may stand in any answer. */
const SHORTEST_VALUE = 8;
/** A date of one tenant may be part of any time of another. */
const NUMBERS_AND_TIMES = /^\d[\d\sTZ.,:+-]*$/;

/**
 * Tries to get at the data of each tenant with the credentials of the others: sends its requests as somebody else, with and without
 * forged headers, and without credentials; then has all tenants ask at the same time. Looks in each answer for values that stand in
 * another tenant's tables only, and in each tenant's tables for rows that others have changed.
 *
 * A value counts if it is a text of eight characters or more that no other tenant and no request's body has. Numbers and times tell
 * nobody's data from another's, and do not.
 *
 * @returns the leaks: `expect(await checkIsolation(…)).toEqual([])`
 * @throws Error where it would prove nothing: a tenant without values of its own, a request that its own tenant gets no answer to
 * @example
 * ```ts
 * const leaks = await checkIsolation({
 *   app,
 *   database: app.get(MikroORM),
 *   tenants: [acme, globex],
 *   requests: ({ dashboardId }) => [
 *     { path: '/api/prismiq/dashboards' },
 *     { path: `/api/prismiq/dashboards/${dashboardId}` },
 *     { method: 'PATCH', path: `/api/prismiq/dashboards/${dashboardId}`, body: { description: 'changed' } },
 *   ],
 * });
 * ```
 * @publicApi
 */
export async function checkIsolation<Tenant extends IsolationTenant>(
  options: IsolationOptions<Tenant>,
): Promise<Leak[]> {
  const { app, tenants, requests, claims = claimsOf } = options;
  if (tenants.length < 2) {
    throw new Error('checkIsolation needs two tenants at least, or it proves nothing.');
  }
  const subjects = await Promise.all(
    tenants.map(async (tenant) => ({ tenant, requests: await requests(tenant), claims: claims(tenant) })),
  );
  const check = new IsolationCheck(typeof app === 'string' ? app : await app.getUrl(), options.database, subjects);
  return check.run();
}

interface Subject {
  readonly tenant: IsolationTenant;
  readonly requests: readonly IsolationRequest[];
  readonly claims: Record<string, string>;
}

interface Sending {
  /** Nothing: without credentials. */
  readonly asker: Subject | undefined;
  readonly owner: Subject;
  readonly request: IsolationRequest;
  readonly headers: Readonly<Record<string, string>>;
}

class IsolationCheck {
  /** Each once, however often it was seen. */
  readonly #leaks = new Map<string, Leak>();
  readonly #values = new Map<Subject, string[]>();
  /** What each has got an answer to, of the others' requests too: they may be the same ones. */
  readonly #answered = new Set<string>();

  constructor(
    private readonly url: string,
    private readonly database: SqlTarget,
    private readonly subjects: readonly Subject[],
  ) {}

  async run(): Promise<Leak[]> {
    await this.collectValues();
    for (const asker of [undefined, ...this.subjects]) {
      const others = this.subjects.filter((subject) => subject !== asker);
      const before = await this.contents(others);
      await this.sendAll(others.flatMap((owner) => attacks(asker, owner)));
      this.compare(asker, before, await this.contents(others));
    }
    await this.sendAll(this.everybodyAtOnce());
    await this.sendOwn();
    await this.lookForForeignRows();
    this.assertAnswered();
    return [...this.#leaks.values()];
  }

  /** What tells a tenant's data from all others'. */
  private async collectValues(): Promise<void> {
    const known = new Map<string, Subject | undefined>();
    for (const text of this.subjects.flatMap(({ requests }) => [...stringsIn(requests.map(({ body }) => body))])) {
      known.set(text, undefined);
    }
    for (const [subject, rows] of await this.contents(this.subjects)) {
      for (const text of rows.flatMap((row) => [...stringsIn(documentOf(row))])) {
        known.set(text, known.has(text) && known.get(text) !== subject ? undefined : subject);
      }
    }
    for (const subject of this.subjects) {
      const values = [...known].flatMap(([text, owner]) => (owner === subject && isTelling(text) ? [text] : []));
      if (values.length === 0) {
        throw new Error(
          `checkIsolation proves nothing: tenant "${subject.tenant.tenantId}" has no text of ${SHORTEST_VALUE} characters in schema ` +
            `"${subject.tenant.schema}" that is its own. Give it rows that no other tenant has.`,
        );
      }
      this.#values.set(subject, values);
    }
  }

  private async contents(subjects: readonly Subject[]): Promise<Map<Subject, string[]>> {
    const sql = executorOf(this.database);
    const contents = new Map<Subject, string[]>();
    for (const subject of subjects) {
      const { schema } = subject.tenant;
      const isShared = this.subjects.some((other) => other !== subject && other.tenant.schema === schema);
      contents.set(subject, await rowsOf(sql, subject.tenant, isShared));
    }
    return contents;
  }

  private async sendAll(sendings: readonly Sending[]): Promise<void> {
    for (const chunk of inChunks(sendings, CONCURRENCY)) {
      await Promise.all(
        chunk.map(async (sending) => this.examine(sending, await send(this.url, sending.request, sending.headers))),
      );
    }
  }

  private examine({ asker, request }: Sending, { succeeded, text }: Answer): void {
    const asked = JSON.stringify(request);
    if (asker !== undefined && succeeded) {
      this.#answered.add(`${asker.tenant.tenantId} ${asked}`);
    }
    for (const subject of this.subjects.filter((other) => other !== asker)) {
      // An answer may say again what the request said.
      const seen = this.#values.get(subject)!.filter((value) => text.includes(value) && !asked.includes(value));
      this.report('read', asker, subject, seen, nameOf(request));
    }
  }

  private compare(asker: Subject | undefined, before: Map<Subject, string[]>, after: Map<Subject, string[]>): void {
    for (const [owner, rows] of before) {
      const [then, now] = [new Set(rows), new Set(after.get(owner))];
      const changed = [
        ...rows.filter((row) => !now.has(row)).map((row) => `- ${row}`),
        ...[...now].filter((row) => !then.has(row)).map((row) => `+ ${row}`),
      ];
      this.report('write', asker, owner, changed);
    }
  }

  /** Each tenant's own requests, again and again, and attempts on the others in between. Deletions come last: they leave nothing to be seen. */
  private everybodyAtOnce(): Sending[] {
    const turns = this.subjects.map((subject, i) => {
      const own = ownOf(subject).filter(({ request }) => request.method?.toUpperCase() !== 'DELETE');
      return [...own, ...attacks(subject, this.subjects[(i + 1) % this.subjects.length]!)];
    });
    const most = Math.max(...turns.map(({ length }) => length));
    return Array.from({ length: ROUNDS * most }, (_, turn) =>
      turns.map((sendings) => sendings[turn % sendings.length]!),
    ).flat();
  }

  /** In their order, all tenants at the same time. */
  private async sendOwn(): Promise<void> {
    await Promise.all(
      this.subjects.map(async (subject) => {
        for (const sending of ownOf(subject)) {
          await this.sendAll([sending]);
        }
      }),
    );
  }

  /** All have written at the same time; what tells are rows of one that hold what is another's. */
  private async lookForForeignRows(): Promise<void> {
    for (const [holder, rows] of await this.contents(this.subjects)) {
      for (const owner of this.subjects.filter((other) => other !== holder)) {
        const isForeign = (row: string): boolean => {
          const document = documentOf(row);
          const texts = [...stringsIn(document)].join('\n');
          return (
            document['tenant_id'] === owner.tenant.tenantId ||
            this.#values.get(owner)!.some((value) => texts.includes(value))
          );
        };
        this.report('write', owner, holder, rows.filter(isForeign));
      }
    }
  }

  private report(
    kind: Leak['kind'],
    asker: Subject | undefined,
    owner: Subject,
    evidence: string[],
    request?: string,
  ): void {
    const leak = { kind, asker: asker?.tenant.tenantId, owner: owner.tenant.tenantId, request };
    const key = JSON.stringify(leak);
    if (evidence.length > 0 && !this.#leaks.has(key)) {
      this.#leaks.set(key, { ...leak, evidence: evidence.slice(0, EVIDENCE) });
    }
  }

  private assertAnswered(): void {
    const unanswered = this.subjects.flatMap(({ tenant, requests }) =>
      requests
        .filter((request) => !this.#answered.has(`${tenant.tenantId} ${JSON.stringify(request)}`))
        .map((request) => `${nameOf(request)} of ${tenant.tenantId}`),
    );
    if (unanswered.length > 0 && this.#leaks.size === 0) {
      throw new Error(
        `checkIsolation proves nothing: not even their own tenant got a 2xx to ${unanswered.join(', ')}. ` +
          'Check the credentials, the ids, and the order: what is deleted is not found after that.',
      );
    }
  }
}

/** One tenant's requests with another's credentials, with and without a claim to be of the former; or with that claim alone. */
function attacks(asker: Subject | undefined, owner: Subject): Sending[] {
  const { claims } = owner;
  const disguises = asker === undefined ? [claims] : [asker.tenant.headers, { ...asker.tenant.headers, ...claims }];
  return owner.requests.flatMap((request) => disguises.map((headers) => ({ asker, owner, request, headers })));
}

const ownOf = (subject: Subject): Sending[] =>
  subject.requests.map((request) => ({ asker: subject, owner: subject, request, headers: subject.tenant.headers }));

/** Behind the name of its table. */
const documentOf = (row: string): Record<string, unknown> => JSON.parse(row.slice(row.indexOf(' {')));
const isTelling = (text: string): boolean => text.length >= SHORTEST_VALUE && !NUMBERS_AND_TIMES.test(text);
const nameOf = ({ method = 'GET', path }: IsolationRequest): string => `${method} ${path}`;
