-- Down: takes up.sql back.

DROP TRIGGER "plinth_guard" ON "items";

DROP TRIGGER "plinth_record_insert" ON "items";

DROP TRIGGER "plinth_record_update" ON "items";

DROP TRIGGER "plinth_record_delete" ON "items";

DROP TRIGGER "plinth_track" ON "items";

DROP TRIGGER "plinth_stamp" ON "items";

ALTER TABLE "items" DROP COLUMN "plinth_version";
