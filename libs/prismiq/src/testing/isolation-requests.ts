/** @publicApi */
export interface IsolationRequest {
  /** @default 'GET' */
  method?: string | undefined;
  /** Behind the address of the application, e.g. `/api/prismiq/dashboards`. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
}

/** What somebody got to read: status, headers and body. */
export interface Answer {
  readonly succeeded: boolean;
  readonly text: string;
}

/** The headers in which Prismiq's client claims to be of a tenant. */
export const claimsOf = ({ tenantId, schema }: { tenantId: string; schema: string }): Record<string, string> => ({
  'x-tenant-id': tenantId,
  'x-schema-name': schema,
});

const TIMEOUT_MS = 30_000;

export async function send(
  url: string,
  { method = 'GET', path, body }: IsolationRequest,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const shown = [...response.headers.values(), ...leavesOf(await response.text())];
  return { succeeded: response.ok, text: shown.join('\n') };
}

/** A text as it stands and, if it is JSON, its strings without their escapes. */
function leavesOf(text: string): string[] {
  try {
    return [text, ...stringsIn(JSON.parse(text))];
  } catch {
    return [text];
  }
}

/** All strings in a JSON value, names of members left aside. */
export function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) {
      yield* stringsIn(member);
    }
  }
}
