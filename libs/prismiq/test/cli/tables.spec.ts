import { prismiqSchemaSql } from '@prismiq/nestjs';
import { describeCatalog, schemaNames } from '../../../../test/support/catalog.js';
import { TABLES_MD } from '../../../../test/support/tables-md.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { CommandHost } from '../support/command.js';

describe('prismiq sql and prismiq ensure', () => {
  let database: TestDatabase;
  let host: CommandHost;
  beforeAll(async () => {
    database = await TestDatabase.create();
    host = await CommandHost.create(database);
  });
  afterAll(async () => {
    await host.remove();
    await database.close();
  });

  it('sql prints statements that work as they are, and needs no database', async () => {
    await database.query('CREATE SCHEMA by_hand');
    const { code, stdout, stderr } = await host.run(['sql', '--schema', 'by_hand'], { env: { DATABASE_URL: '' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await database.query(stdout);
    expect(await describeCatalog(database, 'by_hand')).toEqual(TABLES_MD);
    expect((await host.run(['sql'])).stdout).toBe(prismiqSchemaSql());
  });

  it('sql --json gives one object for each schema', async () => {
    const { events } = await host.run(['sql', '--json', '--schema', 'one', '--schema', 'two']);
    expect(events).toEqual(
      ['one', 'two'].map((schema) => ({ type: 'sql', schema, sql: prismiqSchemaSql({ schema }) })),
    );
  });

  it('ensure creates schema and tables, and finds them the next time', async () => {
    const ensure = ['ensure', '--schema', 'tenant_new', '--create-schema'];
    expect(await host.run(ensure)).toMatchObject({ code: 0, stdout: 'tenant_new: created what was missing\n' });
    expect(await describeCatalog(database, 'tenant_new')).toEqual(TABLES_MD);
    expect(await host.run(ensure)).toMatchObject({ code: 0, stdout: 'tenant_new: all was there already\n' });
    expect((await host.run([...ensure, '--json'])).events).toEqual([
      { type: 'ensured', schema: 'tenant_new', created: false },
    ]);
  });

  it('ensure gives advice about a schema that does not exist, and continues with the others', async () => {
    await database.query('CREATE SCHEMA tenant_there');
    const { code, stdout, stderr } = await host.run(['ensure', '--schema', 'tenant_none', '--schema', 'tenant_there']);
    expect(stderr).toContain('Error: Schema "tenant_none" does not exist.');
    expect(stderr).toContain('--create-schema');
    expect(stdout).toBe('tenant_there: created what was missing\n');
    expect(code).toBe(3);
    expect(await schemaNames(database)).not.toContain('tenant_none');
  });

  it('ensure refuses tables that differ, and lists the differences', async () => {
    await database.query('CREATE SCHEMA tenant_odd; CREATE TABLE tenant_odd.prismiq_widgets (id integer)');
    const { code, stderr } = await host.run(['ensure', '--schema', 'tenant_odd']);
    expect(code).toBe(3);
    expect(stderr).toContain(
      'column prismiq_widgets.id: expected uuid not null default gen_random_uuid(), found integer',
    );
  });

  it('ensure says so when the database cannot be reached', async () => {
    const unreachable = 'postgres://nobody:secret@127.0.0.1:1/nothing';
    const { code, stderr } = await host.run(['ensure', '--schema', 'x', '--database-url', unreachable]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Database: nothing at 127\.0\.0\.1:1 as nobody\nError: Cannot reach the database: .*Check that/,
    );
    expect(stderr).not.toMatch(/secret|^ +at/m);
  });
});
