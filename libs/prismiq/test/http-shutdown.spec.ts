import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { PrismiqModule } from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { ormModule, PLATFORMS, resolver } from './support/host.js';

/** Without `forceCloseConnections`, Fastify and Node wait for such a client, in a host without Prismiq as well. */
describe.each(PLATFORMS)('a host with forceCloseConnections, on %s', (platform) => {
  it.each([
    ['has sent nothing yet', ''],
    ['is in the middle of a request', 'GET /prismiq/dashboards HTTP/1.1\r\nHost: x\r\n'],
    ['is in the middle of a body', 'POST /prismiq/dashboards HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{'],
  ])('closes while a client %s', async (_, sent) => {
    const database = await TestDatabase.create();
    const module = await Test.createTestingModule({
      imports: [ormModule(database), PrismiqModule.forRoot({ resolver, controllers: true })],
    }).compile();
    const options: NestApplicationOptions = { logger: false, forceCloseConnections: true };
    const app =
      platform === 'fastify'
        ? module.createNestApplication(new FastifyAdapter({ forceCloseConnections: true }), options)
        : module.createNestApplication(new ExpressAdapter(), options);
    await app.listen(0, '127.0.0.1');
    const server = app.getHttpServer();
    const accepted = once(server, 'connection');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const closed = once(
      client.on('error', () => undefined),
      'close',
    );
    client.write(sent);
    await accepted;
    await app.close();
    await closed;
    await database.close();
    expect(server.listening).toBe(false);
  });
});
