/**
 * The tables as SQLAlchemy's `create_all` and Alembic's autogenerate make them from upstream's models. Defaults such as
 * `default=uuid.uuid4` are Python's, so that the columns have none; a primary key and a foreign key without a name get PostgreSQL's.
 */
export const sqlAlchemyTables = (schema: string): string => `
CREATE TABLE ${schema}.prismiq_dashboards (
	id UUID NOT NULL,
	tenant_id VARCHAR(255) NOT NULL,
	name VARCHAR(255) NOT NULL,
	description TEXT,
	layout JSONB NOT NULL,
	filters JSONB NOT NULL,
	owner_id VARCHAR(255),
	is_public BOOLEAN NOT NULL,
	allowed_viewers TEXT[] NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT unique_dashboard_name_per_tenant UNIQUE (tenant_id, name)
);
CREATE INDEX idx_dashboards_tenant_id ON ${schema}.prismiq_dashboards (tenant_id);
CREATE INDEX idx_dashboards_owner_id ON ${schema}.prismiq_dashboards (tenant_id, owner_id);
CREATE TABLE ${schema}.prismiq_saved_queries (
	id UUID NOT NULL,
	tenant_id VARCHAR(255) NOT NULL,
	name VARCHAR(255) NOT NULL,
	description TEXT,
	query JSONB NOT NULL,
	owner_id VARCHAR(255),
	is_shared BOOLEAN NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT unique_query_name_per_tenant UNIQUE (tenant_id, name)
);
CREATE INDEX idx_saved_queries_tenant ON ${schema}.prismiq_saved_queries (tenant_id);
CREATE TABLE ${schema}.prismiq_widgets (
	id UUID NOT NULL,
	dashboard_id UUID NOT NULL,
	type VARCHAR(50) NOT NULL,
	title VARCHAR(255) NOT NULL,
	query JSONB,
	position JSONB NOT NULL,
	config JSONB NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(dashboard_id) REFERENCES ${schema}.prismiq_dashboards (id) ON DELETE CASCADE
);
CREATE INDEX idx_widgets_dashboard_id ON ${schema}.prismiq_widgets (dashboard_id);`;

/** The same with `index=True` and a naming convention, as Alembic's documentation recommends one. */
export const sqlAlchemyTablesByConvention = (schema: string): string =>
  sqlAlchemyTables(schema)
    .replaceAll(/prismiq_(\w+) \(\n([^;]*)PRIMARY KEY/g, 'prismiq_$1 (\n$2CONSTRAINT pk_prismiq_$1 PRIMARY KEY')
    .replace('FOREIGN KEY(', 'CONSTRAINT fk_prismiq_widgets_dashboard_id_prismiq_dashboards FOREIGN KEY(')
    .replace('unique_dashboard_name_per_tenant', 'uq_prismiq_dashboards_tenant_id')
    .replace('unique_query_name_per_tenant', 'uq_prismiq_saved_queries_tenant_id')
    .replaceAll('INDEX idx_', 'INDEX ix_prismiq_');

/** One dashboard with a widget, and a saved query, as the Python server writes them. */
export const pythonRows = (schema: string, tenantId: string): string => `
INSERT INTO ${schema}.prismiq_dashboards VALUES ('11111111-1111-4111-8111-111111111111', '${tenantId}', 'Sales', 'All', '{}', '[]', 'ada', false, '{bob}', now(), now());
INSERT INTO ${schema}.prismiq_widgets VALUES (gen_random_uuid(), '11111111-1111-4111-8111-111111111111', 'bar', 'By month', '{}', '{}', '{}', now(), now());
INSERT INTO ${schema}.prismiq_saved_queries VALUES (gen_random_uuid(), '${tenantId}', 'Orders', 'All', '{}', 'ada', true, now(), now());`;
