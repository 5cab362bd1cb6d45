import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Body, Controller, Get, Logger, Post, type INestApplication } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { jest } from '@jest/globals';
import { ensureTables, PrismiqExceptionFilter, PrismiqModule } from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { converse, type RawRequest } from './support/converse.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';
import { HostFilter } from './support/rest-hosts.js';

@Controller('mine')
class MineController {
  @Get()
  get() {
    return { mine: 'ok' };
  }
  @Post()
  post(@Body() body: unknown) {
    return body;
  }
}

@Controller('api/prismiq/of-the-host')
class BelowController {
  @Get()
  get() {
    return { mine: 'below' };
  }
}

describe.each(PLATFORMS)('what no controller gets to see, on %s', (platform) => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot(
      {
        imports: [
          ormModule(database),
          PrismiqModule.forRoot({ resolver, controllers: { path: 'api/prismiq', guards: [TokenGuard] } }),
        ],
        controllers: [MineController, BelowController],
      },
      platform,
      (app) => app.useGlobalFilters(new HostFilter(app.get(HttpAdapterHost))),
    );
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const send = ({ headers, ...request }: RawRequest) =>
    converse(app, {
      ...request,
      headers: { Authorization: bearer('acme', 'ada'), 'Content-Type': 'application/json', ...headers },
    });
  const post = (body: string | Buffer, headers: Record<string, string> = {}, path = '/api/prismiq/dashboards') =>
    send({ method: 'POST', path, body, headers });

  const NAMED = JSON.stringify({ name: 'S' });
  it.each<[string, number[], string | Buffer, Record<string, string>]>([
    ['malformed JSON', [400], '{"name": ', {}],
    ['a body that is no object or array', [400, 422], '"text"', {}],
    ['an empty body', [422], '', {}],
    ['text', [415], NAMED, { 'Content-Type': 'text/plain' }],
    ['a form', [415], 'name=S', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['a multipart form', [415], '--x--', { 'Content-Type': 'multipart/form-data; boundary=x' }],
    ['an unknown content type', [415], NAMED, { 'Content-Type': 'x/y; z' }],
    ['a content type that is none', [415], NAMED, { 'Content-Type': ';;;' }],
    // Fastify does not look at charset and encoding.
    [
      'an unknown charset',
      platform === 'express' ? [415] : [201],
      NAMED,
      { 'Content-Type': 'application/json; charset=klingon' },
    ],
    ['an unknown encoding', platform === 'express' ? [415] : [201], NAMED, { 'Content-Encoding': 'zip' }],
    ['a broken encoding', platform === 'express' ? [400] : [201], NAMED, { 'Content-Encoding': 'gzip' }],
  ])('%s is answered with %j and detail', async (_, statuses, body, headers) => {
    const answer = await post(body, headers);
    expect(statuses).toContain(answer.status);
    if (answer.status !== 201) {
      expect(answer.body).toEqual(expect.objectContaining({ detail: expect.anything() }));
      expect(answer.text).not.toMatch(/node_modules|\bat /);
    }
    await database.query('DELETE FROM tenant_acme.prismiq_dashboards');
  });

  it('a body that is too large is answered with 413, its size and the limit', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(1024 * 1024) });
    const answer = await post(large);
    const limit = platform === 'express' ? 100 * 1024 : 1024 * 1024;
    expect([answer.status, answer.body]).toEqual([
      413,
      { detail: `Too large: the body has ${large.length} bytes, and ${limit} are allowed.` },
    ]);
    const chunked = await post(large, { 'Transfer-Encoding': 'chunked' });
    expect([chunked.status, chunked.body]).toEqual([
      413,
      { detail: `Too large: the body has more than ${limit} bytes, and ${limit} are allowed.` },
    ]);
    // What counts is the size of the decompressed body; Fastify decompresses none.
    const bomb = await post(gzipSync(large), { 'Content-Encoding': 'gzip' });
    expect([bomb.status, bomb.body]).toEqual(
      platform === 'express'
        ? [413, { detail: `Too large: the body has more than ${limit} bytes, and ${limit} are allowed.` }]
        : [400, { detail: expect.any(String) }],
    );
  });

  it('an upload that its client aborts is not logged as an error', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const filter = PrismiqExceptionFilter.prototype as unknown as { answer(error: unknown): void };
    const answered = jest.spyOn(filter, 'answer');
    const server = app.getHttpServer();
    const received = once(server, 'request');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(
      `POST /api/prismiq/dashboards HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer('acme', 'ada')}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"name": ',
    );
    await received;
    client.destroy();
    while (answered.mock.calls.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise(setImmediate);
    expect(logged).not.toHaveBeenCalled();
    jest.restoreAllMocks();
  });

  it.each([
    ['GET', '/api/prismiq'],
    ['GET', '/api/prismiq/'],
    ['GET', '/api/prismiq/nothing'],
    ['POST', '/api/prismiq/dashboards/x/y/z'],
    ['GET', '/api/prismiq/dashboards/x/nothing?layout'],
    ['PUT', '/api/prismiq/dashboards//layout'],
    ['GET', '/api/prismiq/pins?context=x'],
    ['POST', '/api/prismiq/pins'],
    ['DELETE', '/api/prismiq/pins'],
    ['PUT', '/api/prismiq/pins/order'],
    ['GET', '/api/prismiq/dashboards/0b4c2f6e-5d51-4a57-9a3f-0a4b1f6f8a11/pins'],
  ])('%s %s is answered with 404 and detail', async (method, path) => {
    const answer = await send({ method, path, body: method === 'GET' ? undefined : '{}' });
    expect([answer.status, answer.body]).toEqual([404, { detail: 'Not Found' }]);
  });

  it.each([
    ['PUT', '/api/prismiq/dashboards', 'GET, POST'],
    ['DELETE', '/api/prismiq/dashboards', 'GET, POST'],
    ['POST', '/api/prismiq/dashboards/x', 'GET, PATCH, DELETE'],
    ['PATCH', '/api/prismiq/dashboards/x/layout', 'PUT'],
    ['DELETE', '/api/prismiq/dashboards/x/widgets', 'POST'],
    ['GET', '/api/prismiq/dashboards/x/widgets/y', 'PUT, PATCH, DELETE'],
    ['PUT', '/api/prismiq/saved-queries/x?y', 'GET, PATCH, DELETE'],
  ])('%s %s is answered with 405, detail, and the methods that are allowed', async (method, path, allow) => {
    const answer = await send({ method, path, body: '{}' });
    expect([answer.status, answer.body]).toEqual([405, { detail: 'Method Not Allowed' }]);
    expect(answer.headers.allow?.split(', ').toSorted()).toEqual(allow.split(', ').toSorted());
  });

  it('everything else keeps the format of the host', async () => {
    expect((await post('{"name": ', {}, '/mine')).body).toEqual({ mine: true });
    expect((await post('{}', { 'Content-Encoding': 'zip' }, '/mine')).status).not.toBe(404);
    expect((await send({ method: 'GET', path: '/nothing' })).body).toEqual({ mine: true });
    expect((await send({ method: 'GET', path: '/api/prismiqs' })).body).toEqual({ mine: true });
    expect((await send({ method: 'PUT', path: '/mine', body: '{}' })).body).toEqual({ mine: true });
    expect((await send({ method: 'GET', path: '/mine' })).body).toEqual({ mine: 'ok' });
    expect((await post('{"a":1}', {}, '/mine')).body).toEqual({ a: 1 });
    expect((await send({ method: 'GET', path: '/api/prismiq/of-the-host' })).body).toEqual({ mine: 'below' });
  });
});
