// Packs the library, checks the tarball, and installs it in two scratch hosts, one of each module system, far from this
// repository's node_modules: what the tarball lacks is then missing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@prismiq/dev-postgres';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(realpathSync(tmpdir()), 'prismiq-package-'));
const bin = (name) => join(root, 'node_modules/.bin', name);
/** The command as a host calls it; what is not installed must not be fetched. */
const command = (...args) => {
  console.log(`$ npx prismiq ${args.join(' ')}`);
  const env = { ...process.env, npm_config_yes: 'false', DATABASE_URL: databaseUrl };
  return execFileSync('npx', ['prismiq', ...args], { cwd: scratch, encoding: 'utf8', env });
};
const run = (command, args, cwd = root, env = {}) => {
  console.log(`$ ${[command.replace(`${root}node_modules/.bin/`, ''), ...args].join(' ')}`);
  execFileSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
};

/** In TypeScript that Node alone does not run: an enum. */
const commandConfig = (tenant) => `
import { definePrismiqConfig, tenantsFromList } from '@prismiq/nestjs';
enum Tenants { One = '${tenant}' }
export default definePrismiqConfig({ directory: tenantsFromList([Tenants.One]) });
`;

const postgres =
  process.env.DATABASE_URL === undefined
    ? await startPostgres({ dataDir: join(root, '.data/package'), persistent: false })
    : undefined;
const databaseUrl = postgres?.url ?? process.env.DATABASE_URL;
const schemas = [];

try {
  run('npm', ['pack', '--workspace', '@prismiq/nestjs', '--pack-destination', scratch]);
  const { version } = JSON.parse(readFileSync(join(root, 'libs/prismiq/package.json'), 'utf8'));
  const tarball = join(scratch, `prismiq-nestjs-${version}.tgz`);
  run(bin('publint'), [tarball, '--strict']);
  run(bin('attw'), [tarball, '--profile', 'esm-only']);

  const installed = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const pinned = (name) => `${name}@${installed[`node_modules/${name}`].version}`;
  const peers = ['@mikro-orm/core', '@mikro-orm/migrations', '@mikro-orm/nestjs', '@mikro-orm/postgresql'].concat([
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    'reflect-metadata',
    'rxjs',
    '@types/node',
    'typescript',
  ]);
  writeFileSync(join(scratch, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...peers.map(pinned)], scratch);

  assert.match(command('--help'), /^Usage: prismiq /);

  for (const [name, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ]) {
    const host = join(scratch, name);
    mkdirSync(host);
    cpSync(join(root, 'test/package/host.ts'), join(host, 'host.ts'));
    writeFileSync(join(host, 'package.json'), JSON.stringify({ type }));
    cpSync(join(root, 'test/package/types.ts'), join(host, 'types.ts'));
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    const strictest = { ...compilerOptions, exactOptionalPropertyTypes: true };
    writeFileSync(join(host, 'tsconfig.json'), JSON.stringify({ compilerOptions: strictest, include: ['*.ts'] }));
    run(process.execPath, [join(scratch, 'node_modules/typescript/bin/tsc'), '-p', host], host);
    const tenant = `package_${name}_${process.pid}`;
    schemas.push(`tenant_${tenant}`);
    run(process.execPath, ['host.js', tenant], host, { DATABASE_URL: databaseUrl });
    console.log(`The ${name} host booted and created a dashboard.`);

    for (const minify of [false, true]) {
      const file = join(host, `bundle${minify ? '.min' : ''}.${type === 'module' ? 'mjs' : 'cjs'}`);
      assert.deepEqual(await bundle(join(host, 'host.js'), file, name, minify), []);
      const bundled = `${tenant}_bundle${minify ? '_min' : ''}`;
      schemas.push(`tenant_${bundled}`);
      run(process.execPath, [file, bundled], host, { DATABASE_URL: databaseUrl });
      console.log(`The ${name} host booted from one file${minify ? ', minified' : ''}.`);
    }

    const config = join(host, 'prismiq.config.ts');
    writeFileSync(config, commandConfig(tenant));
    assert.match(command('status', '--check', '--config', config), /All tenants are up to date/);
    console.log(`The command reads the configuration of the ${name} host, and finds its tenant up to date.`);
  }
} finally {
  if (postgres === undefined) {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    for (const schema of schemas) {
      await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    }
    await client.end();
  }
  await postgres?.stop();
  rmSync(scratch, { recursive: true, force: true });
}
