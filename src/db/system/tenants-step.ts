// The tenant that a statement is held to, and the role that is held: what row-level security of tables with tenants stands on.
// decisions/0019-tenancy.md has the reasons and the numbers.

import type { SystemStep } from './step.ts'

/** Nothing said, or none: null, to which no row is equal. Written so that PostgreSQL puts it in where it is called. */
const tenant = `
CREATE FUNCTION plinth.tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('plinth.tenant', true), '');`

/**
 * Roles are the server's: with one for all its databases, who may be the application of one could be that of each. So every database has its own, called
 * after its oid, which a copy of the database does not share.
 */
const role = `
CREATE FUNCTION plinth.app_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT 'plinth_app_' || oid::text FROM pg_database WHERE datname = current_database());

CREATE FUNCTION plinth.make_app_role() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  app text := plinth.app_role();
  knows_set boolean := current_setting('server_version_num')::integer >= 160000;
BEGIN
  IF to_regrole(app) IS NULL THEN
    EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION', app);
  END IF;
  IF NOT pg_has_role(app, CASE WHEN knows_set THEN 'SET' ELSE 'MEMBER' END) THEN
    EXECUTE format('GRANT %I TO CURRENT_USER%s', app, CASE WHEN knows_set THEN ' WITH INHERIT FALSE, SET TRUE' END);
  END IF;
  IF (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = app) THEN
    RAISE EXCEPTION 'The role % may read past row-level security.', app USING
      HINT = format('Somebody who may has to run this once: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', app);
  END IF;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'The role % may not make the role % that the application runs as.', current_user, app USING
      ERRCODE = 'insufficient_privilege',
      HINT = format('Somebody who may has to run this once: CREATE ROLE %I NOLOGIN; GRANT %I TO %I;', app, app, current_user);
END $$;`

/** A copy of a database (a template, a restored dump) brings the grants to the role of the first along, and with them whoever may be that role. */
const others = `
CREATE FUNCTION plinth.close_to_others() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  command text;
BEGIN
  FOR command IN
    WITH other AS (SELECT oid FROM pg_roles WHERE rolname ~ '^plinth_app_[0-9]+$' AND rolname <> plinth.app_role())
    SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, other.oid::regrole)
      FROM pg_class c, aclexplode(c.relacl) a, other WHERE a.grantee = other.oid AND pg_has_role(c.relowner, 'USAGE')
    UNION ALL
    SELECT DISTINCT format('REVOKE ALL ON SCHEMA %s FROM %s', n.oid::regnamespace, other.oid::regrole)
      FROM pg_namespace n, aclexplode(n.nspacl) a, other WHERE a.grantee = other.oid AND pg_has_role(n.nspowner, 'USAGE')
    UNION ALL
    SELECT DISTINCT format('ALTER DEFAULT PRIVILEGES FOR ROLE %s IN SCHEMA %s REVOKE ALL ON %s FROM %s', d.defaclrole::regrole, d.defaclnamespace::regnamespace,
        CASE d.defaclobjtype WHEN 'S' THEN 'SEQUENCES' ELSE 'TABLES' END, other.oid::regrole)
      FROM pg_default_acl d, aclexplode(d.defaclacl) a, other
      WHERE a.grantee = other.oid AND d.defaclobjtype IN ('r', 'S') AND d.defaclnamespace <> 0 AND pg_has_role(d.defaclrole, 'USAGE')
  LOOP
    EXECUTE command;
  END LOOP;
END $$;`

/**
 * What is the current role's to give and not given yet: a grant that changes nothing still writes the catalog, which tells caches that the
 * table has changed. What is known of versions is written by functions with rights of their own, and TRUNCATE asks no policy.
 *
 * A superuser could give everything: what stands in other schemas of the database, or belongs to somebody else, is not the application's, unless the
 * models name it. What they name and somebody else would have to give is told (`closed_to_app`), with what to run.
 */
const grants = `
CREATE FUNCTION plinth.privileges_for_app(rel oid) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN (n.nspname = 'plinth' AND c.relname IN ('system', 'versions', 'touches', 'cache_state')) OR (n.nspname = 'public' AND c.relname = 'plinth_migrations')
      THEN ARRAY['SELECT']
    WHEN c.relkind = 'S' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
    WHEN c.relkind IN ('v', 'm') OR n.nspname = 'plinth' OR c.relrowsecurity THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
    ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel;
$$;

CREATE FUNCTION plinth.with_sequences(names text[]) RETURNS TABLE (oid oid) LANGUAGE sql STABLE AS $$
  WITH named AS (SELECT to_regclass(name)::oid AS oid FROM unnest(names) name)
  SELECT named.oid FROM named WHERE named.oid IS NOT NULL
  UNION ALL
  SELECT c.oid FROM named
  JOIN pg_depend d ON d.refobjid = named.oid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
$$;

CREATE FUNCTION plinth.closed_to_app(names text[]) RETURNS TABLE (rel regclass, command text) LANGUAGE sql STABLE AS $$
  SELECT c.oid::regclass, concat_ws(' ',
    CASE WHEN NOT has_schema_privilege(app, n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I;', n.nspname, app) END,
    format('GRANT %s ON %s %I.%I TO %I;', array_to_string(plinth.privileges_for_app(c.oid), ', '),
      CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname, app))
  FROM plinth.with_sequences(names) named JOIN pg_class c ON c.oid = named.oid JOIN pg_namespace n ON n.oid = c.relnamespace, plinth.app_role() app
  WHERE NOT has_schema_privilege(app, n.oid, 'USAGE')
    OR NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege(app, c.oid, 'USAGE, SELECT') ELSE has_any_column_privilege(app, c.oid, 'SELECT') END
$$;

CREATE FUNCTION plinth.open_to_app(schemas text[], names text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  app text := plinth.app_role();
  found record;
  held text[];
BEGIN
  PERFORM plinth.make_app_role();
  PERFORM plinth.close_to_others();
  FOR found IN
    SELECT n.oid, n.nspname AS name FROM pg_namespace n
    WHERE n.nspname = ANY (schemas || '{plinth}'::text[]) AND has_schema_privilege(n.oid, 'CREATE')
  LOOP
    IF NOT has_schema_privilege(app, found.oid, 'USAGE') THEN EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', found.name, app); END IF;
    CONTINUE WHEN EXISTS (
      SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) a
      WHERE d.defaclnamespace = found.oid AND d.defaclrole = to_regrole(quote_ident(current_user)) AND a.grantee = to_regrole(app));
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE%s ON TABLES TO %I', found.name,
      CASE WHEN found.name = 'plinth' THEN '' ELSE ', TRUNCATE' END, app);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO %I', found.name, app);
  END LOOP;
  FOR found IN
    SELECT c.oid, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, format('%I.%I', n.nspname, c.relname) AS name,
      plinth.privileges_for_app(c.oid) AS wanted, c.relacl
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND pg_has_role(c.relowner, 'USAGE') AND (
      n.nspname = 'plinth' OR c.oid = to_regclass('public.plinth_migrations') OR c.oid IN (SELECT named.oid FROM plinth.with_sequences(names) named)
      OR (n.nspname = ANY (schemas) AND c.relowner IN (
        SELECT oid FROM pg_roles WHERE rolname = current_user
        UNION ALL SELECT walled.relowner FROM pg_policy p JOIN pg_class walled ON walled.oid = p.polrelid WHERE p.polname = 'plinth_tenant')))
  LOOP
    SELECT coalesce(array_agg(a.privilege_type), '{}') INTO held FROM aclexplode(found.relacl) a WHERE a.grantee = to_regrole(app);
    CONTINUE WHEN held @> found.wanted AND held <@ found.wanted;
    IF NOT held <@ found.wanted THEN EXECUTE format('REVOKE ALL ON %s %s FROM %I', found.kind, found.name, app); END IF;
    EXECUTE format('GRANT %s ON %s %s TO %I', array_to_string(found.wanted, ', '), found.kind, found.name, app);
  END LOOP;
  PERFORM plinth.wall_views();
  PERFORM plinth.let_indexes_search();
END $$;`

/**
 * Row-level security shows what a permissive policy permits, so a wall needs one beside it. Where somebody has made some for everybody, those say what is
 * open, as they did before; where they are for certain roles alone, those go on being held by them, and the owner and the application are not.
 */
const rows = `
CREATE FUNCTION plinth.open_rows(rel regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  app text := plinth.app_role();
  whom text := 'PUBLIC';
BEGIN
  IF EXISTS (SELECT FROM pg_policy WHERE polrelid = rel AND polpermissive AND 0 = ANY (polroles)) THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_policy WHERE polrelid = rel AND polpermissive) THEN
    PERFORM plinth.make_app_role();
    SELECT format('%s, %I', relowner::regrole, app) INTO whom FROM pg_class WHERE oid = rel;
  END IF;
  EXECUTE format('CREATE POLICY plinth_open ON %s TO %s USING (true) WITH CHECK (true)', rel, whom);
END $$;`

/**
 * A view reads with the rights of its owner, whom as a superuser nothing holds: those that lead to a table with tenants read with the caller's.
 * Also where the owner is held: what the view reads may be another view, of somebody who is not. Views that the application may not read are no way
 * around the wall for it, and whom they were made for may have no right to the table itself.
 */
const views = `
CREATE FUNCTION plinth.views_past_walls() RETURNS TABLE (rel regclass, owner oid) LANGUAGE sql STABLE AS $$
  WITH RECURSIVE reached (oid) AS (
    SELECT polrelid FROM pg_policy WHERE polname = 'plinth_tenant'
    UNION
    SELECT r.ev_class FROM reached JOIN pg_depend d ON d.refobjid = reached.oid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid
  )
  SELECT c.oid::regclass, c.relowner FROM reached JOIN pg_class c ON c.oid = reached.oid, plinth.app_role() app
  WHERE c.relkind = 'v' AND has_schema_privilege(app, c.relnamespace, 'USAGE')
    AND (has_any_column_privilege(app, c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(app, c.oid, 'DELETE'))
    AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean)
$$;

CREATE FUNCTION plinth.wall_views() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  found regclass;
BEGIN
  FOR found IN SELECT rel FROM plinth.views_past_walls() WHERE pg_has_role(owner, 'USAGE') LOOP
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', found);
  END LOOP;
END $$;`

/**
 * Behind a policy PostgreSQL uses an index for functions alone that are known to tell nothing of what they are given but their result: for a search
 * among 100,000 rows of ten tenants that is 2 ms or 220. A superuser may say so of these. Three tell a little: a pattern of `LIKE` and `ILIKE` that ends in a backslash
 * is an error where a row is compared with it, and a text whose words take more than 1 MB is one for `to_tsvector`, which also notices words of 2 kB. The engine escapes
 * patterns, and no row with such a text passes an index over its words. The marks are the database's, for all that use it: `plinth.leakproof = off` leaves them out.
 */
const searching = [
  'to_tsvector(regconfig, text)',
  'ts_match_vq(tsvector, tsquery)',
  'textcat(text, text)',
  'textlike(text, text)',
  'texticlike(text, text)',
  'jsonb_contains(jsonb, jsonb)',
  'arraycontains(anyarray, anyarray)',
  ...['eq', 'lt', 'le', 'gt', 'ge'].flatMap((operator) => [`numeric_${operator}(numeric, numeric)`, `enum_${operator}(anyenum, anyenum)`]),
]

const indexes = `
CREATE FUNCTION plinth.let_indexes_search() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  found regprocedure;
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR current_setting('plinth.leakproof', true) = 'off' THEN RETURN; END IF;
  FOR found IN SELECT p.oid FROM pg_proc p
    WHERE NOT p.proleakproof AND p.oid = ANY ('{${searching.map((name) => `"pg_catalog.${name}"`).join(',')}}'::regprocedure[])
  LOOP
    EXECUTE format('ALTER FUNCTION %s LEAKPROOF', found);
  END LOOP;
END $$;`

export const tenantsStep: SystemStep = {
  step: 60,
  title: 'the tenant of a statement and the role of the application',
  sql: [tenant, role, others, rows, views, indexes, grants].join('\n'),
}
