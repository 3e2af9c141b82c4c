-- Up: made by "plinth db migrate". Change it as you like until it is applied.

CREATE TABLE "items" (
  "id" serial PRIMARY KEY,
  "name" text NOT NULL,
  "description" text
);
