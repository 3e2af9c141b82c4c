export * from './cities.ts'
export * from './countries.ts'
export * from './currencies.ts'
export * from './languages.ts'
