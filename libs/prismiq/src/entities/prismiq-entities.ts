import type { MikroORM } from '@mikro-orm/postgresql';
import { PrismiqDashboard } from './dashboard.entity.js';
import { PrismiqSavedQuery } from './saved-query.entity.js';
import { PrismiqWidget } from './widget.entity.js';

/**
 * The three entities, for a host's ORM configuration: `entities: [...PRISMIQ_ENTITIES, ...mine]`. {@link PrismiqModule} adds
 * them where they are not listed. List them if MikroORM's CLI has to generate migrations for them.
 *
 * @publicApi
 */
export const PRISMIQ_ENTITIES = [PrismiqDashboard, PrismiqWidget, PrismiqSavedQuery] as const;

/** Adds the entities to an ORM, unless its configuration lists them already. */
export function registerEntities(orm: MikroORM): void {
  const known = new Set([...orm.getMetadata().getAll().values()].map(({ className }) => className));
  const missing = PRISMIQ_ENTITIES.filter(({ meta }) => !known.has(meta.className));
  if (missing.length > 0) {
    orm.discoverEntity(missing);
  }
}
