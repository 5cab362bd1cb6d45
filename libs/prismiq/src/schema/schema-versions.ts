/** Writes the name of a table or an index: without a schema for a migration, with it and quoted everywhere else. */
export type TableNaming = (table: string) => string;

/** One version of the tables. */
export interface SchemaVersion {
  /** The name under which the history table records it. Never renamed once released. */
  readonly name: string;
  /** Statements that migrate from the previous version. Each can be repeated without effect. */
  readonly up: (table: TableNaming) => readonly string[];
  /** Statements that migrate back. */
  readonly down: (table: TableNaming) => readonly string[];
}

/**
 * All versions, oldest first. `ensureTables`, `prismiqSchemaSql` and `PRISMIQ_MIGRATIONS` take their DDL from here, so that they cannot
 * differ. One statement a string; no trigger, function, DO block or serial, because of Citus and restricted roles.
 */
export const SCHEMA_VERSIONS: readonly SchemaVersion[] = [
  {
    name: 'prismiq_0001_tables',
    up: (table) => [
      `CREATE TABLE IF NOT EXISTS ${table('prismiq_dashboards')} (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  tenant_id varchar(255) NOT NULL,
  name varchar(255) NOT NULL,
  description text,
  layout jsonb NOT NULL DEFAULT '{"columns": 12, "rowHeight": 50, "margin": [10, 10]}',
  filters jsonb NOT NULL DEFAULT '[]',
  owner_id varchar(255),
  is_public boolean NOT NULL DEFAULT false,
  allowed_viewers text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT prismiq_dashboards_pkey PRIMARY KEY (id),
  CONSTRAINT unique_dashboard_name_per_tenant UNIQUE (tenant_id, name)
)`,
      `CREATE INDEX IF NOT EXISTS idx_dashboards_tenant_id ON ${table('prismiq_dashboards')} (tenant_id)`,
      `CREATE INDEX IF NOT EXISTS idx_dashboards_owner_id ON ${table('prismiq_dashboards')} (tenant_id, owner_id)`,
      `CREATE TABLE IF NOT EXISTS ${table('prismiq_widgets')} (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  dashboard_id uuid NOT NULL,
  type varchar(50) NOT NULL,
  title varchar(255) NOT NULL,
  query jsonb,
  position jsonb NOT NULL,
  config jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT prismiq_widgets_pkey PRIMARY KEY (id),
  CONSTRAINT prismiq_widgets_dashboard_id_fkey FOREIGN KEY (dashboard_id)
    REFERENCES ${table('prismiq_dashboards')} (id) ON DELETE CASCADE
)`,
      `CREATE INDEX IF NOT EXISTS idx_widgets_dashboard_id ON ${table('prismiq_widgets')} (dashboard_id)`,
      `CREATE TABLE IF NOT EXISTS ${table('prismiq_saved_queries')} (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  tenant_id varchar(255) NOT NULL,
  name varchar(255) NOT NULL,
  description text,
  query jsonb NOT NULL,
  owner_id varchar(255),
  is_shared boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT prismiq_saved_queries_pkey PRIMARY KEY (id),
  CONSTRAINT unique_query_name_per_tenant UNIQUE (tenant_id, name)
)`,
      `CREATE INDEX IF NOT EXISTS idx_saved_queries_tenant ON ${table('prismiq_saved_queries')} (tenant_id)`,
    ],
    down: (table) => [
      `DROP TABLE ${table('prismiq_widgets')}`,
      `DROP TABLE ${table('prismiq_dashboards')}`,
      `DROP TABLE ${table('prismiq_saved_queries')}`,
    ],
  },
  {
    name: 'prismiq_0002_version_and_list_index',
    up: (table) => [
      `ALTER TABLE ${table('prismiq_dashboards')} ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1`,
      `ALTER TABLE ${table('prismiq_saved_queries')} ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1`,
      `CREATE INDEX IF NOT EXISTS idx_dashboards_tenant_updated_at ON ${table('prismiq_dashboards')} (tenant_id, updated_at DESC, id)`,
    ],
    down: (table) => [
      // The schema of an index is that of its table, and DROP INDEX names the schema, not the table.
      `DROP INDEX ${table('idx_dashboards_tenant_updated_at')}`,
      `ALTER TABLE ${table('prismiq_saved_queries')} DROP COLUMN version`,
      `ALTER TABLE ${table('prismiq_dashboards')} DROP COLUMN version`,
    ],
  },
];
