/** The resolved options of a registration. Not exported. */
export const PRISMIQ_CONFIG = Symbol('PRISMIQ_CONFIG');

/** The `schemaFor` option of a registration. */
export const PRISMIQ_SCHEMA_FOR = Symbol('PRISMIQ_SCHEMA_FOR');

/** The `limits` option of a registration. */
export const PRISMIQ_LIMITS = Symbol('PRISMIQ_LIMITS');

/** The MikroORM instance of a registration, with Prismiq's entities. */
export const PRISMIQ_ORM = Symbol('PRISMIQ_ORM');

/** The `contextName` option of a registration. */
export const PRISMIQ_CONTEXT_NAME = Symbol('PRISMIQ_CONTEXT_NAME');

/** The controllers that a registration has mounted, and their options. */
export const PRISMIQ_MOUNTED = Symbol('PRISMIQ_MOUNTED');

/** The middleware that opens a context for each HTTP request. */
export const PRISMIQ_OPEN_CONTEXT = Symbol('PRISMIQ_OPEN_CONTEXT');

/** The host's `@nestjs/swagger`, if it has one. */
export const PRISMIQ_SWAGGER = Symbol('PRISMIQ_SWAGGER');
