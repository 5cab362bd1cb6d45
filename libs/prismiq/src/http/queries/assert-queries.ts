import { NotFoundException } from '@nestjs/common';
import type { QueryService } from '../../query/service/query.service.js';

/** Without the `query` option its routes are as unknown as any other. A factory may leave it out when they are mounted already. */
export function assertQueries(queries: QueryService): QueryService {
  if (!queries.isEnabled) {
    throw new NotFoundException('Not Found');
  }
  return queries;
}
