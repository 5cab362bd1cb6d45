import type { NestApplicationOptions } from '@nestjs/common';

/** Lets Prismiq's React client call from a page of another origin: these are the headers that it sends and reads. */
export const CORS: NestApplicationOptions['cors'] = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: [
    'Authorization',
    'Content-Type',
    'If-Match',
    'If-None-Match',
    'X-Schema-Name',
    'X-Tenant-ID',
    'X-User-ID',
  ],
  exposedHeaders: ['ETag'],
};
