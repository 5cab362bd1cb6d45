import { toExecutor, type SqlTarget } from '../sql/sql-target.js';
import { inChunks } from './in-chunks.js';
import type { IsolationOptions, IsolationTenant, Leak } from './isolation-options.js';
import { claimTenant, send, stringsIn, type Answer, type IsolationRequest } from './isolation-requests.js';
import { readTenantRows } from './tenant-rows.js';

const MAX_CONCURRENT_REQUESTS = 16;
/** How often each tenant repeats its own requests while the others send theirs. */
const CONCURRENT_ROUNDS = 5;
const MAX_EVIDENCE = 5;
/** Shorter texts may occur in any answer. */
const MIN_VALUE_LENGTH = 8;
/** A date of one tenant may be part of a timestamp of another. */
const NUMBERS_AND_TIMES = /^\d[\d\sTZ.,:+-]*$/;

/**
 * Attacks the data of each tenant with the credentials of the others. It sends each tenant's requests as another tenant, with and
 * without forged headers, and without credentials. Then all tenants send requests at the same time. A read leak is an answer with a
 * value that only another tenant's tables contain. A write leak is a row that another tenant has changed.
 *
 * A value counts if it is a text of at least eight characters that no other tenant and no request body contains. Numbers and times do
 * not count: different tenants may have the same.
 *
 * @returns the leaks: `expect(await checkIsolation(…)).toEqual([])`
 * @throws Error if the check would prove nothing: a tenant has no values of its own, or a request fails even for its own tenant
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
  const { app, tenants, requests, claims = claimTenant } = options;
  if (tenants.length < 2) {
    throw new Error('checkIsolation needs two tenants or more: with one it proves nothing.');
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
  /** Undefined if the request has no credentials. */
  readonly asker: Subject | undefined;
  readonly owner: Subject;
  readonly request: IsolationRequest;
  readonly headers: Readonly<Record<string, string>>;
}

class IsolationCheck {
  /** By their content, so that each is reported once. */
  readonly #leaks = new Map<string, Leak>();
  readonly #values = new Map<Subject, string[]>();
  /** Tenants with the requests that succeeded for them. */
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
    await this.sendAll(this.concurrentSendings());
    await this.sendOwn();
    await this.findForeignRows();
    this.assertAnswered();
    return [...this.#leaks.values()];
  }

  /** Finds the values that only one tenant has. */
  private async collectValues(): Promise<void> {
    const known = new Map<string, Subject | undefined>();
    for (const text of this.subjects.flatMap(({ requests }) => [...stringsIn(requests.map(({ body }) => body))])) {
      known.set(text, undefined);
    }
    for (const [subject, rows] of await this.contents(this.subjects)) {
      for (const text of rows.flatMap((row) => [...stringsIn(parseRow(row))])) {
        known.set(text, known.has(text) && known.get(text) !== subject ? undefined : subject);
      }
    }
    for (const subject of this.subjects) {
      const values = [...known].flatMap(([text, owner]) => (owner === subject && isDistinctive(text) ? [text] : []));
      if (values.length === 0) {
        throw new Error(
          `checkIsolation proves nothing: tenant "${subject.tenant.tenantId}" has no text of ${MIN_VALUE_LENGTH} characters in schema ` +
            `"${subject.tenant.schema}" that no other tenant has. Give it such rows.`,
        );
      }
      this.#values.set(subject, values);
    }
  }

  private async contents(subjects: readonly Subject[]): Promise<Map<Subject, string[]>> {
    const sql = toExecutor(this.database);
    const contents = new Map<Subject, string[]>();
    for (const subject of subjects) {
      const { schema } = subject.tenant;
      const isShared = this.subjects.some((other) => other !== subject && other.tenant.schema === schema);
      contents.set(subject, await readTenantRows(sql, subject.tenant, isShared));
    }
    return contents;
  }

  private async sendAll(sendings: readonly Sending[]): Promise<void> {
    for (const chunk of inChunks(sendings, MAX_CONCURRENT_REQUESTS)) {
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
      // An answer may repeat the request.
      const seen = this.#values.get(subject)!.filter((value) => text.includes(value) && !asked.includes(value));
      this.report('read', asker, subject, seen, describeRequest(request));
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

  /** Each tenant repeats its own requests and attacks another. Without deletions, which would leave nothing to see. */
  private concurrentSendings(): Sending[] {
    const turns = this.subjects.map((subject, i) => {
      const own = ownSendings(subject).filter(({ request }) => request.method?.toUpperCase() !== 'DELETE');
      return [...own, ...attacks(subject, this.subjects[(i + 1) % this.subjects.length]!)];
    });
    const most = Math.max(...turns.map(({ length }) => length));
    return Array.from({ length: CONCURRENT_ROUNDS * most }, (_, turn) =>
      turns.map((sendings) => sendings[turn % sendings.length]!),
    ).flat();
  }

  /** All tenants at the same time, each in the order of its requests. */
  private async sendOwn(): Promise<void> {
    await Promise.all(
      this.subjects.map(async (subject) => {
        for (const sending of ownSendings(subject)) {
          await this.sendAll([sending]);
        }
      }),
    );
  }

  /** After concurrent writes, a row with another tenant's values shows a leak. */
  private async findForeignRows(): Promise<void> {
    for (const [holder, rows] of await this.contents(this.subjects)) {
      for (const owner of this.subjects.filter((other) => other !== holder)) {
        const isForeign = (row: string): boolean => {
          const document = parseRow(row);
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
      this.#leaks.set(key, { ...leak, evidence: evidence.slice(0, MAX_EVIDENCE) });
    }
  }

  private assertAnswered(): void {
    const unanswered = this.subjects.flatMap(({ tenant, requests }) =>
      requests
        .filter((request) => !this.#answered.has(`${tenant.tenantId} ${JSON.stringify(request)}`))
        .map((request) => `${describeRequest(request)} of ${tenant.tenantId}`),
    );
    if (unanswered.length > 0 && this.#leaks.size === 0) {
      throw new Error(
        `checkIsolation proves nothing: not even their own tenant got a 2xx to ${unanswered.join(', ')}. ` +
          'Check the credentials, the ids, and the order: a deleted record cannot be found afterwards.',
      );
    }
  }
}

/** The owner's requests with the asker's credentials, with and without forged headers; without an asker, with forged headers only. */
function attacks(asker: Subject | undefined, owner: Subject): Sending[] {
  const { claims } = owner;
  const disguises = asker === undefined ? [claims] : [asker.tenant.headers, { ...asker.tenant.headers, ...claims }];
  return owner.requests.flatMap((request) => disguises.map((headers) => ({ asker, owner, request, headers })));
}

const ownSendings = (subject: Subject): Sending[] =>
  subject.requests.map((request) => ({ asker: subject, owner: subject, request, headers: subject.tenant.headers }));

/** A row without the name of its table. */
const parseRow = (row: string): Record<string, unknown> => JSON.parse(row.slice(row.indexOf(' {')));
const isDistinctive = (text: string): boolean => text.length >= MIN_VALUE_LENGTH && !NUMBERS_AND_TIMES.test(text);
const describeRequest = ({ method = 'GET', path }: IsolationRequest): string => `${method} ${path}`;
