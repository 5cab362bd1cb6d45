import { Migration } from '@mikro-orm/migrations';

/** The application's own tables in `public`. Prismiq's are in the tenants' schemas. */
export class TenantsAndUsers extends Migration {
  override up(): void {
    this.addSql(`
      CREATE TABLE public.tenants (
        id varchar(40) PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    this.addSql(`
      CREATE TABLE public.users (
        tenant_id varchar(40) NOT NULL REFERENCES public.tenants (id) ON DELETE CASCADE,
        name varchar(40) NOT NULL,
        is_admin boolean NOT NULL DEFAULT false,
        PRIMARY KEY (tenant_id, name)
      )`);
  }

  override down(): void {
    this.addSql('DROP TABLE public.users');
    this.addSql('DROP TABLE public.tenants');
  }
}
