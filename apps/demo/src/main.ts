import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { setUpApiDocs } from './api-docs.js';
import { AppModule } from './app.module.js';
import { CORS } from './cors.js';

export interface StartOptions {
  /** `postgres://…`; the database is created if it does not exist. */
  databaseUrl: string;
  /** On 127.0.0.1; 0 takes any free one. */
  port: number;
}

/** Starts the application. The caller closes it; no signal is handled here. */
export async function start({ databaseUrl, port }: StartOptions): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot({ databaseUrl }), {
    abortOnError: false,
    cors: CORS,
    // Browsers keep a connection in reserve, and close() would wait for it.
    forceCloseConnections: true,
    logger: ['warn', 'error', 'fatal'],
  });
  // A dashboard with some dozen widgets is larger than the 100 kB that Express takes.
  app.useBodyParser('json', { limit: '1mb' });
  setUpApiDocs(app);
  try {
    await app.listen(port, '127.0.0.1');
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

if (import.meta.main) {
  const { DATABASE_URL: databaseUrl, PORT: port = '3000' } = process.env;
  if (!databaseUrl) {
    throw new Error('DATABASE_URL is not set. Set it, or run `npm start`, which brings a database along.');
  }
  const app = await start({ databaseUrl, port: Number(port) });
  app.enableShutdownHooks();
  console.log(`Listening on ${await app.getUrl()}`);
}
