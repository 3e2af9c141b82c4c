export { default as cities } from './cities.ts'
export { default as countries } from './countries.ts'
export { default as currencies } from './currencies.ts'
export { default as languages } from './languages.ts'
