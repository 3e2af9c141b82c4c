-- A database with everything that makes generators stumble.

CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm;
CREATE SCHEMA shop; CREATE SCHEMA "Sales Dept";

CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'a "b"');
CREATE TYPE shop."State" AS ENUM ('new', 'paid');
CREATE TYPE unused AS ENUM ('x');
CREATE TYPE address AS (street text, zip varchar(10));
CREATE DOMAIN email AS citext CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');
CREATE DOMAIN shop."Price" AS numeric(10, 2) NOT NULL DEFAULT 0 CONSTRAINT positive CHECK (VALUE >= 0);
CREATE SEQUENCE ticket_numbers AS integer START 100 INCREMENT 5 CYCLE;
CREATE FUNCTION shout(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(word) || '!;'; $$;

CREATE TABLE "user" (
  id serial PRIMARY KEY, "order" integer NOT NULL DEFAULT 0, "select" boolean DEFAULT true, "class" text, "constructor" text, "__proto__" text, "firstName" text,
  email email UNIQUE, home address, tags text[] NOT NULL DEFAULT '{}', grid integer[][], flags mood[], manager_id integer REFERENCES "user" (id) ON DELETE SET NULL
);
COMMENT ON TABLE "user" IS 'People; not */ robots.';
COMMENT ON COLUMN "user"."order" IS 'Place in `lists` ${x}';

CREATE TABLE "Order Lines" (
  "Order Id" integer, "Line No" smallint, "What's up?" text DEFAULT E'back\\slash \`tick', "2nd" text, "ünïcode" text, "with.dot" integer CHECK ("with.dot" > 0),
  PRIMARY KEY ("Order Id", "Line No"), CONSTRAINT "Odd name!" UNIQUE ("2nd", "ünïcode")
);

CREATE TABLE "Sales Dept"."Line Notes" (
  id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 10 CACHE 5) PRIMARY KEY, "Order Id" integer NOT NULL, "Line No" smallint NOT NULL, note text,
  CONSTRAINT to_line FOREIGN KEY ("Order Id", "Line No") REFERENCES "Order Lines" ("Order Id", "Line No") ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE types (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), a smallint DEFAULT -1, b bigint DEFAULT 9007199254740993, c numeric(12, 3) DEFAULT 1.500, d numeric DEFAULT '-0.5', e real DEFAULT 1.5,
  f double precision, g varchar(20) DEFAULT 'it''s', h char(3) DEFAULT 'abc', i "char", j bpchar, k date DEFAULT current_date, l time(3), m timetz, n timestamp(3) DEFAULT now(),
  o timestamptz NOT NULL DEFAULT now(), p interval day to second(3), q json DEFAULT '{"a": [1]}', r jsonb DEFAULT '{}', s bytea DEFAULT '\x00ff', t inet, u cidr, v macaddr,
  w macaddr8, x point, y line, z box, aa int4range, ab tstzmultirange, ac tsvector, ad xml, ae money, af bit(8), ag varbit(5), ah hstore, ai oid, aj pg_lsn, ak interval year to month,
  al mood DEFAULT 'it''s ok', am shop."State" NOT NULL DEFAULT 'new', an shop."Price", ao varchar, ap integer DEFAULT nextval('ticket_numbers'), aq citext[] DEFAULT ARRAY['x'::citext],
  ar text GENERATED ALWAYS AS (shout(g)) STORED, at boolean NOT NULL DEFAULT false, au text COLLATE "C", av timestamptz DEFAULT '2020-01-01 00:00:00+00', aw integer DEFAULT (1 + 2)
);

CREATE TABLE no_key (a integer, b text DEFAULT 'x');
CREATE TABLE index (text text PRIMARY KEY, sql integer, "table" integer);
CREATE TABLE shop.types (id smallserial PRIMARY KEY, total shop."Price", user_id integer REFERENCES public."user" (id) DEFERRABLE INITIALLY DEFERRED, UNIQUE NULLS NOT DISTINCT (user_id));
CREATE TABLE orders (id bigserial PRIMARY KEY, invoice_id integer);
CREATE TABLE invoices (id serial CONSTRAINT "invoices PK" PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders (id), number text, amount numeric, during tstzrange,
  CONSTRAINT amounts CHECK (amount > 0 AND (number IS NULL OR number <> '' AND number !~ '\d$')), CONSTRAINT apart EXCLUDE USING gist (order_id WITH =, during WITH &&));
ALTER TABLE orders ADD FOREIGN KEY (invoice_id) REFERENCES invoices (id);
ALTER SEQUENCE invoices_id_seq RENAME TO "odd sequence";

CREATE INDEX invoices_number ON invoices (lower(number) text_pattern_ops, amount DESC NULLS LAST) WHERE amount > 10;
CREATE UNIQUE INDEX invoices_once ON invoices (order_id, number DESC);
CREATE INDEX invoices_words ON invoices USING gin (number gin_trgm_ops);
CREATE INDEX invoices_covering ON invoices (order_id) INCLUDE (amount);

CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY RANGE (at);
CREATE TABLE events_rest_a PARTITION OF events_rest FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX events_kind ON events (kind);
CREATE TABLE animals (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE dogs (bark text) INHERITS (animals);
CREATE UNLOGGED TABLE scratchpad (id integer PRIMARY KEY);

CREATE VIEW paid AS SELECT i.id, i.amount, o.id AS order_id FROM invoices i JOIN orders o ON o.id = i.order_id WHERE i.number ~ '^\d+`\$\{x\}';
CREATE VIEW shop."Paid Totals" WITH (security_barrier = true) AS SELECT sum(amount) AS "Total Sum", count(*) AS n FROM paid;
CREATE MATERIALIZED VIEW totals AS SELECT order_id, sum(amount) AS total FROM paid GROUP BY order_id;
CREATE UNIQUE INDEX totals_order ON totals (order_id);
CREATE FUNCTION first_user() RETURNS SETOF "user" LANGUAGE sql STABLE AS 'SELECT * FROM "user" LIMIT 1';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW."order" := 1; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON "user" FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON orders FOR SELECT USING (id > 0);
