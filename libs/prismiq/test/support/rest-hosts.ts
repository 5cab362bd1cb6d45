import {
  Catch,
  Injectable,
  StandardSchemaSerializerInterceptor,
  StandardSchemaValidationPipe,
  VersioningType,
  type ArgumentMetadata,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { ensureTables, PrismiqModule } from '@prismiq/nestjs';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { converse, type RawAnswer } from './converse.js';
import { bearer, boot, ormModule, resolver, TokenGuard, type Platform } from './host.js';

/** A host's error format that has no `detail`. */
@Catch()
export class HostFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: { getStatus?(): number }, host: { getArgByIndex(index: number): unknown }): void {
    this.adapterHost.httpAdapter.reply(host.getArgByIndex(1), { mine: true }, error.getStatus?.() ?? 500);
  }
}

/** As ValidationPipe does with forbidNonWhitelisted: what has a class may only have the members of that class. */
@Injectable()
class ForbidUnknownKeysPipe implements PipeTransform {
  transform(value: unknown, { metatype }: ArgumentMetadata): unknown {
    if (metatype !== undefined && ![Object, String, Number, Boolean, Array].includes(metatype as never)) {
      throw new Error(`${metatype.name} has no members`);
    }
    return value;
  }
}

/** Makes copies, as serializers do. */
@Injectable()
class CopyingSerializer implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((body: unknown) => structuredClone(body)));
  }
}

/** The hosts behind which the REST API must be the same. */
export const REST_HOSTS = ['a plain host', 'a host that sets what can be set', 'a host that mounts it twice'] as const;
export type RestHostName = (typeof REST_HOSTS)[number];

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A host with the REST API, and Prismiq's client in front of it. */
export class RestHost {
  private constructor(
    readonly app: INestApplication,
    readonly database: TestDatabase,
    private readonly base: string,
  ) {}

  static async start(platform: Platform, name: RestHostName = 'a plain host'): Promise<RestHost> {
    const database = await TestDatabase.create();
    for (const schema of ['tenant_acme', 'tenant_globex']) {
      await ensureTables(database.pool, { schema, createSchema: true });
    }
    const [app, base] = await HOSTS[name](database, platform);
    return new RestHost(app, database, base);
  }

  /** Sends a request exactly as Prismiq's React client does. */
  send(method: Method, path: string, body?: unknown, { user = 'ada', headers = {} }: Sender = {}): Promise<RawAnswer> {
    const [userId = '', admin] = user.split('!');
    return converse(this.app, {
      method,
      path: `${this.base}${path}`,
      headers: {
        'Content-Type': 'application/json',
        'X-Tenant-ID': 'acme',
        ...(userId === '' ? {} : { 'X-User-ID': userId }),
        'X-Schema-Name': 'tenant_acme',
        Authorization: bearer('acme', userId, admin !== undefined),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  async clear(): Promise<void> {
    await this.database.query(
      'DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_acme.prismiq_saved_queries',
    );
  }

  /** All rows, as text. */
  async contents(): Promise<string> {
    const tables = ['prismiq_dashboards', 'prismiq_widgets', 'prismiq_saved_queries'];
    const rows = await Promise.all(
      tables.map((table) => this.database.query(`SELECT t::text FROM tenant_acme.${table} t ORDER BY id`)),
    );
    return JSON.stringify(rows);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.database.close();
  }
}

interface Sender {
  /** A `!` after the name makes an admin; without a name, there is no user. */
  user?: string;
  headers?: Record<string, string>;
}

type StartHost = (database: TestDatabase, platform: Platform) => Promise<[INestApplication, base: string]>;

const HOSTS: Record<RestHostName, StartHost> = {
  'a plain host': async (database, platform) => {
    const controllers = { path: 'api/prismiq', guards: [TokenGuard] };
    const metadata = { imports: [ormModule(database), PrismiqModule.forRoot({ resolver, controllers })] };
    return [await boot(metadata, platform, allowLargeBodies), '/api/prismiq'];
  },

  'a host that sets what can be set': async (database, platform) => {
    const metadata = {
      imports: [
        ormModule(database),
        PrismiqModule.forRoot({ resolver, controllers: { path: '/prismiq/', version: ['2', '3'] } }),
      ],
    };
    const configure = (app: INestApplication) => {
      allowLargeBodies(app);
      app.setGlobalPrefix('app/api', { exclude: ['health'] });
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      app.useGlobalGuards(new TokenGuard());
      app.useGlobalPipes(new ForbidUnknownKeysPipe(), new StandardSchemaValidationPipe());
      app.useGlobalInterceptors(new CopyingSerializer(), new StandardSchemaSerializerInterceptor(app.get(Reflector)));
      app.useGlobalFilters(new HostFilter(app.get(HttpAdapterHost)));
      app.enableCors();
    };
    return [await boot(metadata, platform, configure), '/app/api/v3/prismiq'];
  },

  'a host that mounts it twice': async (database, platform) => {
    const metadata = {
      imports: [
        ormModule(database, { contextName: 'main' }),
        ormModule(database, { contextName: 'analytics' }),
        PrismiqModule.forRoot({ resolver, contextName: 'main', controllers: { path: 'one', guards: [TokenGuard] } }),
        PrismiqModule.forRoot({
          resolver,
          contextName: 'analytics',
          controllers: { path: 'two', guards: [TokenGuard] },
        }),
      ],
    };
    return [await boot(metadata, platform, allowLargeBodies), '/two'];
  },
};

const allowLargeBodies = (app: INestApplication): void => {
  (app as unknown as { useBodyParser(type: string, options: object): void }).useBodyParser(
    ...((app.getHttpAdapter().getType() === 'express'
      ? ['json', { limit: '1mb' }]
      : ['application/json', { bodyLimit: 1024 * 1024 }]) as [string, object]),
  );
};
