// A server of the benchmark, in a process of its own: `node http.servers.mjs <contender> <database url> <connections>`.
import 'reflect-metadata';
import {
  Body,
  Controller,
  createParamDecorator,
  ForbiddenException,
  Get,
  NotFoundException,
  Param,
  Patch,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { openPool } from './support/database.mjs';
import { hostModule } from './support/host.mjs';

/** Stands in for the host's authentication, in all servers alike. */
class IdentityGuard {
  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [tenantId, userId] = request.headers.authorization.slice('Bearer '.length).split('/');
    request.user = { tenantId, userId };
    return true;
  }
}

/** The package, as a host mounts it. As the others, the host itself uses no MikroORM. */
const ours = (url, connections) => {
  const prismiq = {
    resolver: (context) => context.switchToHttp().getRequest().user,
    controllers: { path: '', guards: [IdentityGuard] },
  };
  return hostModule(url, connections, prismiq, false);
};

const patch = z.object({
  layout: z.object({
    columns: z.int().positive(),
    row_height: z.int().positive(),
    margin: z.tuple([z.int(), z.int()]),
    compact_type: z.enum(['vertical', 'horizontal']).nullable(),
  }),
});

/** What one would write by hand for one customer: no tenant, all rows in one schema. */
const byHand = (url, connections) => handwritten(url, connections, () => 'by_hand');

/** The same over the schemas of the tenants, named in the text of each statement. */
const bySchema = (url, connections) =>
  handwritten(url, connections, ({ tenantId }) => {
    if (!/^[a-z0-9_]{1,50}$/.test(tenantId)) {
      throw new ForbiddenException();
    }
    return `tenant_${tenantId}`;
  });

/** Raw `pg`, one statement a request. The user is checked, and a change raises the version. */
function handwritten(url, connections, getSchema) {
  const pool = openPool(url, connections);
  const columns = (schema) => `d.id, d.name, d.description, d.owner_id, d.is_public, d.allowed_viewers, d.version,
    d.created_at, d.updated_at, d.layout, d.filters, (
      SELECT coalesce(json_agg(w ORDER BY (w.position->>'y')::int, (w.position->>'x')::int), '[]') FROM (
        SELECT w.id, w.type, w.title, w.query, w.position, w.config, w.created_at, w.updated_at
        FROM ${schema}.prismiq_widgets w WHERE w.dashboard_id = d.id) w) AS widgets`;
  class DashboardsController {
    async get(id, user) {
      const schema = getSchema(user);
      const { rows } = await pool.query(
        `SELECT ${columns(schema)} FROM ${schema}.prismiq_dashboards d
         WHERE d.id = $1 AND (d.is_public OR d.owner_id = $2 OR $2 = ANY(d.allowed_viewers))`,
        [id, user.userId],
      );
      if (rows.length === 0) {
        throw new NotFoundException();
      }
      return rows[0];
    }

    async update(id, body, user) {
      const schema = getSchema(user);
      const { layout } = patch.parse(body);
      const { rows } = await pool.query(
        `UPDATE ${schema}.prismiq_dashboards d SET layout = $3, version = d.version + 1, updated_at = now()
         WHERE d.id = $1 AND d.owner_id = $2 RETURNING ${columns(schema)}`,
        [id, user.userId, JSON.stringify(layout)],
      );
      if (rows.length === 0) {
        throw new ForbiddenException();
      }
      return rows[0];
    }
  }
  // Plain JavaScript has no decorators.
  const method = (name) => Object.getOwnPropertyDescriptor(DashboardsController.prototype, name);
  const currentUser = createParamDecorator((_, context) => context.switchToHttp().getRequest().user)();
  Controller('dashboards')(DashboardsController);
  Get(':id')(DashboardsController.prototype, 'get', method('get'));
  Param('id')(DashboardsController.prototype, 'get', 0);
  currentUser(DashboardsController.prototype, 'get', 1);
  Patch(':id')(DashboardsController.prototype, 'update', method('update'));
  Param('id')(DashboardsController.prototype, 'update', 0);
  Body()(DashboardsController.prototype, 'update', 1);
  currentUser(DashboardsController.prototype, 'update', 2);
  UseGuards(IdentityGuard)(DashboardsController);
  return { module: class Host {}, controllers: [DashboardsController] };
}

const CONTENDERS = { byHand, bySchema, ours };
const [contender, url, connections] = process.argv.slice(2);
const app = await NestFactory.create(CONTENDERS[contender](url, Number(connections)), { logger: ['error'] });
app.useBodyParser('json', { limit: '1mb' });
await app.listen(0, '127.0.0.1');
// A server keeps its connections while the others have their turns.
app.getHttpServer().keepAliveTimeout = 0;
process.send(app.getHttpServer().address().port);
process.once('disconnect', () => process.exit());
