/** @publicApi */
export interface IsolationRequest {
  /** @default 'GET' */
  method?: string | undefined;
  /** Relative to the URL of the application, e.g. `/api/prismiq/dashboards`. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
}

/** An answer as its reader sees it. */
export interface Answer {
  readonly succeeded: boolean;
  /** Headers and body. */
  readonly text: string;
}

/** The headers in which Prismiq's client names its tenant. */
export const claimTenant = ({ tenantId, schema }: { tenantId: string; schema: string }): Record<string, string> => ({
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
  const shown = [...response.headers.values(), ...withJsonStrings(await response.text())];
  return { succeeded: response.ok, text: shown.join('\n') };
}

/** A text and, if it is JSON, its strings without their escapes. */
function withJsonStrings(text: string): string[] {
  try {
    return [text, ...stringsIn(JSON.parse(text))];
  } catch {
    return [text];
  }
}

/** All strings in a JSON value, without the names of members. */
export function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) {
      yield* stringsIn(member);
    }
  }
}
