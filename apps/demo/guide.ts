/** Commands to try, with real ids, that can be pasted into a shell. */
export async function guide(url: string): Promise<string> {
  const token = await logIn(url, 'acme', 'ada');
  const response = await fetch(`${url}/api/prismiq/dashboards`, { headers: { authorization: `Bearer ${token}` } });
  const { dashboards } = (await response.json()) as { dashboards?: { id: string }[] };
  // The guide works even if all dashboards were deleted.
  const one = dashboards?.[0] ? `/${dashboards[0].id}` : '';
  const query = JSON.stringify(REVENUE_BY_REGION);
  return `
Open ${url}/docs

Or paste these into a shell. They log in as ada of acme, list acme's dashboards, and show that
gus of globex gets none of them:

  TOKEN=$(${loginCommand(url, 'acme', 'ada')})
  curl -s -w '\\n' -H "Authorization: Bearer $TOKEN" ${url}/api/prismiq/dashboards
  curl -s -w '\\n' -H "Authorization: Bearer $(${loginCommand(url, 'globex', 'gus')})" ${url}/api/prismiq/dashboards${one}

This runs a query over acme's orders:

  curl -s -w '\\n' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' ${url}/api/prismiq/query/execute -d '${query}'

Ctrl-C ends it.
`;
}

const REVENUE_BY_REGION = {
  tables: [{ id: 'o', name: 'orders' }],
  columns: [
    { table_id: 'o', column: 'region' },
    { table_id: 'o', column: 'amount', aggregation: 'sum', alias: 'revenue' },
  ],
  order_by: [{ table_id: 'o', column: 'revenue', direction: 'DESC' }],
};

async function logIn(url: string, tenant: string, user: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tenant, user }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

const loginCommand = (url: string, tenant: string, user: string): string =>
  `curl -s ${url}/login -H 'Content-Type: application/json' -d '{"tenant":"${tenant}","user":"${user}"}' | ` +
  `sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'`;
