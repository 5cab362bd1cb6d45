import { SCHEMA_VERSIONS } from './schema-versions.js';

/** An object of the catalog that a schema must have. */
export interface CatalogObject {
  table: string;
  kind: 'table' | 'column' | 'constraint' | 'index';
  name: string;
  /** Its definition, as `read-catalog.ts` writes it. */
  definition: string;
}

/** Columns, constraints and indexes by name. */
type TableDefinition = Record<'columns' | 'constraints' | 'indexes', Record<string, string>>;

const ID = 'uuid not null default gen_random_uuid()';
const NAME = 'character varying(255) not null';
const TIMESTAMP = 'timestamp with time zone not null default now()';

/** The tables at the newest version, in PostgreSQL's words (jsonb sorts its keys). Not derived from the DDL, so that each checks the other. */
const TABLES: Record<string, TableDefinition> = {
  prismiq_dashboards: {
    columns: {
      id: ID,
      tenant_id: NAME,
      name: NAME,
      description: 'text',
      layout: `jsonb not null default '{"margin": [10, 10], "columns": 12, "rowHeight": 50}'::jsonb`,
      filters: `jsonb not null default '[]'::jsonb`,
      owner_id: 'character varying(255)',
      is_public: 'boolean not null default false',
      allowed_viewers: `text[] not null default '{}'::text[]`,
      created_at: TIMESTAMP,
      updated_at: TIMESTAMP,
      version: 'integer not null default 1',
    },
    constraints: {
      prismiq_dashboards_pkey: 'PRIMARY KEY (id)',
      unique_dashboard_name_per_tenant: 'UNIQUE (tenant_id, name)',
    },
    indexes: {
      idx_dashboards_tenant_id: 'USING btree (tenant_id)',
      idx_dashboards_owner_id: 'USING btree (tenant_id, owner_id)',
      idx_dashboards_tenant_updated_at: 'USING btree (tenant_id, updated_at DESC, id)',
    },
  },
  prismiq_widgets: {
    columns: {
      id: ID,
      dashboard_id: 'uuid not null',
      type: 'character varying(50) not null',
      title: NAME,
      query: 'jsonb',
      position: 'jsonb not null',
      config: `jsonb not null default '{}'::jsonb`,
      created_at: TIMESTAMP,
      updated_at: TIMESTAMP,
    },
    constraints: {
      prismiq_widgets_pkey: 'PRIMARY KEY (id)',
      prismiq_widgets_dashboard_id_fkey:
        'FOREIGN KEY (dashboard_id) REFERENCES prismiq_dashboards(id) ON DELETE CASCADE',
    },
    indexes: {
      idx_widgets_dashboard_id: 'USING btree (dashboard_id)',
    },
  },
  prismiq_saved_queries: {
    columns: {
      id: ID,
      tenant_id: NAME,
      name: NAME,
      description: 'text',
      query: 'jsonb not null',
      owner_id: 'character varying(255)',
      is_shared: 'boolean not null default false',
      created_at: TIMESTAMP,
      updated_at: TIMESTAMP,
      version: 'integer not null default 1',
    },
    constraints: {
      prismiq_saved_queries_pkey: 'PRIMARY KEY (id)',
      unique_query_name_per_tenant: 'UNIQUE (tenant_id, name)',
    },
    indexes: {
      idx_saved_queries_tenant: 'USING btree (tenant_id)',
    },
  },
};

/** The names of Prismiq's tables. */
export const TABLE_NAMES: readonly string[] = Object.keys(TABLES);

/** Every object that a schema must have, at the newest version. */
const NEWEST: readonly CatalogObject[] = Object.entries(TABLES).flatMap(([table, definition]) => [
  { table, kind: 'table' as const, name: table, definition: 'table' },
  ...objects(table, 'column', definition.columns),
  ...objects(table, 'constraint', definition.constraints),
  ...objects(table, 'index', definition.indexes),
]);

/** What a later version has added, as `table.name`; everything else is in the first. */
const ADDED: Record<string, readonly string[]> = {
  prismiq_0002_version_and_list_index: [
    'prismiq_dashboards.version',
    'prismiq_saved_queries.version',
    'prismiq_dashboards.idx_dashboards_tenant_updated_at',
  ],
};

const CATALOGS = new Map(SCHEMA_VERSIONS.map(({ name }, index) => [name, catalogAt(index)]));

/** The objects that a schema must have at a version; by default the newest. */
export function expectedCatalog(version = SCHEMA_VERSIONS.at(-1)!.name): readonly CatalogObject[] {
  return CATALOGS.get(version)!;
}

function catalogAt(index: number): CatalogObject[] {
  const later = new Set(SCHEMA_VERSIONS.slice(index + 1).flatMap(({ name }) => ADDED[name] ?? []));
  return NEWEST.filter(({ table, name }) => !later.has(`${table}.${name}`));
}

function objects(table: string, kind: CatalogObject['kind'], definitions: Record<string, string>): CatalogObject[] {
  return Object.entries(definitions).map(([name, definition]) => ({ table, kind, name, definition }));
}
