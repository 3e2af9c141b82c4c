-- Down: takes up.sql back.

-- WARNING: drops the table "items" with its rows.
DROP TABLE "items";
