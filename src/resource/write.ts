// Writing to a resource: one record, or many in one transaction.

export { writeBulk } from './write-bulk.ts'
export { writeRecord } from './write-record.ts'
export type { WrittenRecord } from './write-row.ts'
