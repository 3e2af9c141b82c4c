// Writing to a resource: one record, or many in one transaction.

export { writeBulk, type WrittenRecords } from './write-bulk.ts'
export { writeRecord } from './write-record.ts'
export type { WrittenRecord } from './write-row.ts'
export type { WriteContext } from './write-run.ts'
