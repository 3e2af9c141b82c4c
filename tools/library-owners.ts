// Which rooms may import a library at run time, so that a new major version of it touches those rooms and no others.
// Types may be imported anywhere. A dependency without a line here is a problem, so every new one is placed on purpose.

/** Package name → rooms. A package that no room imports (a command, a transport loaded by name) has none. */
export const libraryOwners: Readonly<Record<string, readonly string[]>> = {
  '@clack/prompts': ['cli'],
  '@electric-sql/pglite': ['db'],
  '@fastify/ajv-compiler': ['http'],
  '@fastify/swagger-ui': ['rest'],
  '@redis/client': ['redis'],
  '@simplewebauthn/server': ['auth'],
  '@zxcvbn-ts/language-common': ['auth'],
  commander: ['cli'],
  'drizzle-kit': ['db'],
  'drizzle-orm': ['db', 'model', 'auth'],
  fastify: ['http'],
  'find-my-way': ['http'],
  nodemailer: ['mail'],
  'openid-client': ['auth'],
  otpauth: ['auth'],
  pg: ['db'],
  pino: ['core'],
  'pino-pretty': ['core'],
  'prom-client': ['core'],
}
