export { default as items } from './items.ts'
