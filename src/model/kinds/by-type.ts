// Which kind a PostgreSQL type has. A new kind is a file beside this one and a line here.

import { bigint } from './bigint.ts'
import { bit, varbit } from './bit.ts'
import { boolean } from './boolean.ts'
import { bytes } from './bytes.ts'
import { custom, opaque } from './custom.ts'
import { date } from './date.ts'
import { double, real } from './float.ts'
import { box, circle, line, path, point, polygon, segment } from './geometric.ts'
import { integer, smallint } from './integer.ts'
import { interval } from './interval.ts'
import { json, jsonb } from './json.ts'
import type { Kind } from './kind.ts'
import { cidr, inet, macaddr, macaddr8 } from './network.ts'
import { numeric } from './numeric.ts'
import { bigintRange, dateRange, intRange, numericRange, timestampRange, timestamptzRange } from './range.ts'
import { text } from './text.ts'
import { time, timetz } from './time.ts'
import { timestamp, timestamptz } from './timestamp.ts'
import { tsvector } from './tsvector.ts'
import { uuid } from './uuid.ts'
import { vector } from './vector.ts'

const kinds = new Map<string, Kind>(
  Object.entries({
    int2: smallint,
    int4: integer,
    int8: bigint,
    numeric,
    float4: real,
    float8: double,
    text,
    varchar: text,
    bpchar: text,
    citext: text,
    bool: boolean,
    uuid,
    bytea: bytes,
    json,
    jsonb,
    date,
    time,
    timetz,
    timestamp,
    timestamptz,
    interval,
    inet,
    cidr,
    macaddr,
    macaddr8,
    bit,
    varbit,
    point,
    line,
    lseg: segment,
    box,
    path,
    polygon,
    circle,
    int4range: intRange,
    int8range: bigintRange,
    numrange: numericRange,
    daterange: dateRange,
    tsrange: timestampRange,
    tstzrange: timestamptzRange,
    vector,
    halfvec: vector,
    tsvector,
    xml: opaque,
    tsquery: opaque,
    jsonpath: opaque,
    sparsevec: opaque,
    pg_snapshot: opaque,
    txid_snapshot: opaque,
  }),
)

/** @param type  as `baseTypeOf` returns it: PostgreSQL's own name (`int4`), without length or brackets */
export function kindOfType(type: string): Kind {
  return kinds.get(type) ?? custom
}
