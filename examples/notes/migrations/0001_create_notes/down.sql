-- Down: takes up.sql back.

ALTER TABLE "memberships" DROP CONSTRAINT "memberships_organization_id_organizations_id_fkey";

ALTER TABLE "memberships" DROP CONSTRAINT "memberships_user_id_users_id_fkey";

ALTER TABLE "note_tags" DROP CONSTRAINT "note_tags_organization_id_organizations_id_fkey";

ALTER TABLE "note_tags" DROP CONSTRAINT "note_tags_organization_id_note_id_notes_organization_id_id_fkey";

ALTER TABLE "note_tags" DROP CONSTRAINT "note_tags_organization_id_tag_id_tags_organization_id_id_fkey";

ALTER TABLE "notes" DROP CONSTRAINT "notes_organization_id_organizations_id_fkey";

ALTER TABLE "notes" DROP CONSTRAINT "notes_author_id_users_id_fkey";

ALTER TABLE "tags" DROP CONSTRAINT "tags_organization_id_organizations_id_fkey";

-- WARNING: drops the table "memberships" with its rows.
DROP TABLE "memberships";

-- WARNING: drops the table "note_tags" with its rows.
DROP TABLE "note_tags";

-- WARNING: drops the table "notes" with its rows.
DROP TABLE "notes";

-- WARNING: drops the table "organizations" with its rows.
DROP TABLE "organizations";

-- WARNING: drops the table "tags" with its rows.
DROP TABLE "tags";

-- WARNING: drops the table "users" with its rows.
DROP TABLE "users";

DROP TYPE "membership_role";
