import { Agent, request, type IncomingMessage } from 'node:http';
import { bearer } from '../support/host.js';
import type { Written } from './acknowledged-writes.js';
import type { Operation, Turn } from './operation.js';
import { QUERY, widgetNamed } from './scenarios.js';
import { World, type FuzzTenant } from './world.js';

/** Where a sender goes away: while it still sends, when it has sent all, or with the first of the answer. */
type Abort = 'sending' | 'sent' | 'answered';

/** So Nest answers where a handler fails, on purpose or for want of a connection, or the stream that it has returned. */
const HOST_FAILURE = [500, 400];

/** Through HTTP, by connections that are kept alive. */
export function httpOperations(world: World, url: string): Operation[] {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  /** @returns nothing where the request was aborted, or went wrong in a way that may happen */
  const send = async (
    me: FuzzTenant,
    method: string,
    path: string,
    { body, abort, allowed = [] }: SendOptions = {},
  ) => {
    const answer = await exchange(agent, `${url}${path}`, method, toHeaders(me), body, abort);
    if (answer === undefined) {
      return undefined;
    }
    world.inspect(answer.text, me);
    if (![200, 201, 404, 409, 503, ...allowed].includes(answer.status)) {
      throw new Error(`${method} ${path} was answered with ${answer.status}: ${answer.text}`);
    }
    return answer;
  };
  const make = async ({ me }: Turn, path: string, ids: string[], body: object) => {
    if (World.hasRoom(ids)) {
      const answer = await send(me, 'POST', path, { body });
      if (answer?.status === 201) {
        const made = JSON.parse(answer.text) as Written;
        world.acknowledged.wrote(me, made);
        ids.push(made.id);
      }
    } else {
      const id = ids.shift()!;
      world.acknowledged.deleting(id);
      const answer = await send(me, 'DELETE', `${path}/${id}`);
      if (answer?.status === 200) {
        world.acknowledged.deleted(id);
      }
    }
  };
  /** What is no tenant's own must not be found, let alone changed. */
  const foreign = async (me: FuzzTenant, method: string, path: string, body?: object) => {
    const answer = await send(me, method, path, { body });
    if (answer !== undefined && ![404, 503].includes(answer.status)) {
      world.faults.push(`${method} of a foreign id was answered with ${answer.status}: ${answer.text}`);
    }
  };
  const dashboard = (me: FuzzTenant) => {
    const text = world.text(me);
    return { name: text, description: text, widgets: [widgetNamed(text), widgetNamed(text)] };
  };

  return [
    [20, ({ me }) => send(me, 'GET', '/prismiq/dashboards')],
    [10, ({ me }) => send(me, 'GET', '/prismiq/saved-queries')],
    [15, ({ me, own }) => send(me, 'GET', `/prismiq/dashboards/${own(me.dashboards)}`)],
    [6, ({ me, own, other }) => foreign(me, 'GET', `/prismiq/dashboards/${own(other.dashboards)}`)],
    [3, ({ me, own, other }) => foreign(me, 'PATCH', `/prismiq/dashboards/${own(other.dashboards)}`, dashboard(me))],
    [2, ({ me, own, other }) => foreign(me, 'DELETE', `/prismiq/dashboards/${own(other.dashboards)}`)],
    [2, ({ me, own, other }) => foreign(me, 'DELETE', `/prismiq/saved-queries/${own(other.queries)}`)],
    [
      3,
      ({ me, own, other }) =>
        foreign(me, 'POST', `/prismiq/dashboards/${own(other.dashboards)}/widgets`, widgetNamed(world.text(me))),
    ],
    [10, (turn) => make(turn, '/prismiq/dashboards', turn.me.dashboards, dashboard(turn.me))],
    [
      8,
      (turn) => {
        const text = world.text(turn.me);
        return make(turn, '/prismiq/saved-queries', turn.me.queries, { name: text, description: text, query: QUERY });
      },
    ],
    [
      6,
      async ({ me, own }) => {
        const text = world.text(me);
        const body = { description: text, widgets: [widgetNamed(text)] };
        const answer = await send(me, 'PATCH', `/prismiq/dashboards/${own(me.dashboards)}`, { body });
        if (answer?.status === 200) {
          world.acknowledged.wrote(me, JSON.parse(answer.text) as Written);
        }
      },
    ],
    [
      6,
      ({ me, random, own }) => {
        const abort = random.pick<Abort>(['sending', 'sent', 'answered'])!;
        const [method, path, body] = random.pick([
          ['GET', '/prismiq/dashboards'],
          ['GET', '/host/stream'],
          ['POST', '/prismiq/dashboards', dashboard(me)],
          ['PATCH', `/prismiq/dashboards/${own(me.dashboards)}`, { description: world.text(me) }],
          ['POST', '/host/throw'],
        ] as [string, string, object?][])!;
        return send(me, method, path, { body, abort, allowed: HOST_FAILURE });
      },
    ],
    [3, ({ me }) => send(me, 'GET', '/host/stream', { allowed: HOST_FAILURE })],
    [
      4,
      ({ me, other, random }) =>
        send(me, 'POST', `/host/nested/${other.tenantId}?fails=${random.chance(0.5)}`, { allowed: HOST_FAILURE }),
    ],
    [
      4,
      ({ me, other, random }) =>
        send(me, 'POST', `/host/transaction/${other.tenantId}?fails=${random.chance(0.5)}`, { allowed: HOST_FAILURE }),
    ],
    [2, ({ me }) => send(me, 'POST', '/host/throw', { allowed: HOST_FAILURE })],
  ];
}

interface SendOptions {
  body?: object | undefined;
  abort?: Abort | undefined;
  allowed?: number[];
}

const toHeaders = ({ tenantId, schema }: FuzzTenant) => ({
  authorization: bearer(tenantId, 'u', true),
  'x-tenant-id': tenantId,
  'x-schema-name': schema,
});

function exchange(
  agent: Agent,
  url: string,
  method: string,
  headers: Record<string, string>,
  body: object | undefined,
  abort: Abort | undefined,
): Promise<{ status: number; text: string } | undefined> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const length = json === undefined ? {} : { 'content-type': 'application/json', 'content-length': json.length };
    const sent = request(url, { agent, method, headers: { ...headers, ...length } });
    const fail = (error: Error) => (abort === undefined ? reject(error) : resolve(undefined));
    const goAway = () => {
      sent.destroy();
      resolve(undefined);
    };
    sent.on('error', fail);
    sent.on('response', (response: IncomingMessage) => {
      if (abort === 'answered') {
        goAway();
        return;
      }
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', fail);
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    if (abort === 'sending' && json !== undefined) {
      sent.write(json.slice(0, json.length / 2), goAway);
    } else {
      sent.end(json, abort === 'answered' || abort === undefined ? undefined : goAway);
    }
  });
}
