export * from './notes.ts'
export * from './organizations.ts'
export * from './tags.ts'
export * from './users.ts'
