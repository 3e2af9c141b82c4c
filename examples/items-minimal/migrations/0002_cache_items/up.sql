-- Up: made by "plinth db migrate". Change it as you like until it is applied.
-- NOTE: the cache follows "items": every transaction that writes to it adds a row to plinth.versions.

ALTER TABLE "items" ADD COLUMN IF NOT EXISTS "plinth_version" xid8 DEFAULT pg_current_xact_id() NOT NULL;

CREATE OR REPLACE TRIGGER "plinth_stamp" BEFORE INSERT OR UPDATE ON "items" FOR EACH ROW EXECUTE FUNCTION plinth.stamp();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_stamp";

CREATE OR REPLACE TRIGGER "plinth_track" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "items" FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_track";

CREATE OR REPLACE TRIGGER "plinth_guard" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "items" FOR EACH STATEMENT EXECUTE FUNCTION plinth.guard();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_guard";

CREATE OR REPLACE TRIGGER "plinth_record_insert" AFTER INSERT ON "items" REFERENCING NEW TABLE AS plinth_new FOR EACH STATEMENT EXECUTE FUNCTION plinth.record();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_record_insert";

CREATE OR REPLACE TRIGGER "plinth_record_update" AFTER UPDATE ON "items" REFERENCING OLD TABLE AS plinth_old NEW TABLE AS plinth_new FOR EACH STATEMENT EXECUTE FUNCTION plinth.record();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_record_update";

CREATE OR REPLACE TRIGGER "plinth_record_delete" AFTER DELETE ON "items" REFERENCING OLD TABLE AS plinth_old FOR EACH STATEMENT EXECUTE FUNCTION plinth.record();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_record_delete";
