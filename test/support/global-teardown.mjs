export default async function globalTeardown() {
  await globalThis.prismiqTestPostgres?.stop();
}
