-- Up: made by "plinth db migrate". Change it as you like until it is applied.

CREATE TABLE "items" (
  "id" serial PRIMARY KEY,
  "name" varchar(100) NOT NULL,
  "description" text,
  "created_at" timestamp with time zone DEFAULT now() NOT NULL,
  "updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
