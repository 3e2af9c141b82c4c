-- Up: made by "plinth db migrate". Change it as you like until it is applied.
-- NOTE: the cache follows "memberships": every transaction that writes to it adds a row to plinth.versions.
-- NOTE: the cache follows "users": every transaction that writes to it adds a row to plinth.versions.

CREATE TYPE "membership_role" AS ENUM('owner', 'member');

CREATE TABLE "memberships" (
  "organization_id" uuid,
  "user_id" uuid,
  "role" "membership_role" DEFAULT 'member'::"membership_role" NOT NULL,
  "created_at" timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT "memberships_pkey" PRIMARY KEY("organization_id","user_id")
);

CREATE TABLE "note_tags" (
  "organization_id" uuid NOT NULL,
  "note_id" uuid,
  "tag_id" uuid,
  CONSTRAINT "note_tags_pkey" PRIMARY KEY("note_id","tag_id")
);

CREATE TABLE "notes" (
  "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  "organization_id" uuid NOT NULL,
  "author_id" uuid,
  "title" varchar(200) NOT NULL,
  "body" text DEFAULT '' NOT NULL,
  "shared" boolean DEFAULT false NOT NULL,
  "created_at" timestamp with time zone DEFAULT now() NOT NULL,
  "updated_at" timestamp with time zone DEFAULT now() NOT NULL,
  "deleted_at" timestamp with time zone,
  CONSTRAINT "notes_organization_id_id_unique" UNIQUE("organization_id","id")
);

CREATE TABLE "organizations" (
  "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  "name" varchar(100) NOT NULL,
  "created_at" timestamp with time zone DEFAULT now() NOT NULL,
  "updated_at" timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE "tags" (
  "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  "organization_id" uuid NOT NULL,
  "name" varchar(50) NOT NULL,
  CONSTRAINT "tags_organization_id_name_unique" UNIQUE("organization_id","name"),
  CONSTRAINT "tags_organization_id_id_unique" UNIQUE("organization_id","id")
);

CREATE TABLE "users" (
  "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  "email" text NOT NULL CONSTRAINT "users_email_key" UNIQUE,
  "email_verified_at" timestamp with time zone,
  "disabled_at" timestamp with time zone,
  "created_at" timestamp with time zone DEFAULT now() NOT NULL,
  "updated_at" timestamp with time zone DEFAULT now() NOT NULL,
  "display_name" varchar(50)
);

CREATE INDEX "note_tags_organization_id_tag_id_index" ON "note_tags" ("organization_id","tag_id");

CREATE INDEX "notes_organization_id_created_at_index" ON "notes" ("organization_id","created_at");

ALTER TABLE "memberships" ADD CONSTRAINT "memberships_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE;

ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_users_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE;

ALTER TABLE "note_tags" ADD CONSTRAINT "note_tags_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE;

ALTER TABLE "note_tags" ADD CONSTRAINT "note_tags_organization_id_note_id_notes_organization_id_id_fkey" FOREIGN KEY ("organization_id","note_id") REFERENCES "notes"("organization_id","id") ON DELETE CASCADE;

ALTER TABLE "note_tags" ADD CONSTRAINT "note_tags_organization_id_tag_id_tags_organization_id_id_fkey" FOREIGN KEY ("organization_id","tag_id") REFERENCES "tags"("organization_id","id") ON DELETE CASCADE;

ALTER TABLE "notes" ADD CONSTRAINT "notes_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE;

ALTER TABLE "notes" ADD CONSTRAINT "notes_author_id_users_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE SET NULL;

ALTER TABLE "tags" ADD CONSTRAINT "tags_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE;

CREATE OR REPLACE TRIGGER "plinth_track" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "memberships" FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();

ALTER TABLE "memberships" ENABLE ALWAYS TRIGGER "plinth_track";

CREATE OR REPLACE TRIGGER "plinth_track" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "users" FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();

ALTER TABLE "users" ENABLE ALWAYS TRIGGER "plinth_track";

ALTER TABLE "memberships" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "memberships" FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "plinth_tenant" ON "memberships";

CREATE POLICY "plinth_tenant" ON "memberships" AS RESTRICTIVE USING (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL) WITH CHECK (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL);

DROP POLICY IF EXISTS "plinth_open" ON "memberships";

SELECT plinth.open_rows('"memberships"');

ALTER TABLE "note_tags" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "note_tags" FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "plinth_tenant" ON "note_tags";

CREATE POLICY "plinth_tenant" ON "note_tags" AS RESTRICTIVE USING (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL) WITH CHECK (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL);

DROP POLICY IF EXISTS "plinth_open" ON "note_tags";

SELECT plinth.open_rows('"note_tags"');

ALTER TABLE "notes" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "notes" FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "plinth_tenant" ON "notes";

CREATE POLICY "plinth_tenant" ON "notes" AS RESTRICTIVE USING (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL) WITH CHECK (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL);

DROP POLICY IF EXISTS "plinth_open" ON "notes";

SELECT plinth.open_rows('"notes"');

ALTER TABLE "tags" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "tags" FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "plinth_tenant" ON "tags";

CREATE POLICY "plinth_tenant" ON "tags" AS RESTRICTIVE USING (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL) WITH CHECK (CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "organization_id"::text THEN true END IS NOT NULL);

DROP POLICY IF EXISTS "plinth_open" ON "tags";

SELECT plinth.open_rows('"tags"');
