-- Up: made by "plinth db migrate". Change it as you like until it is applied.

CREATE TABLE "cities" (
  "id" integer PRIMARY KEY,
  "name" text NOT NULL,
  "other_names" text,
  "country_id" integer NOT NULL,
  "feature" varchar(5) NOT NULL,
  "region_code" text,
  "population" integer NOT NULL,
  "latitude" double precision NOT NULL,
  "longitude" double precision NOT NULL
);

CREATE TABLE "countries" (
  "id" serial PRIMARY KEY,
  "code" varchar(3) NOT NULL CONSTRAINT "countries_code_key" UNIQUE,
  "short_code" varchar(2) NOT NULL CONSTRAINT "countries_short_code_key" UNIQUE,
  "name" text NOT NULL,
  "official_name" text NOT NULL,
  "native_names" jsonb NOT NULL,
  "translations" jsonb NOT NULL,
  "region" text NOT NULL,
  "subregion" text,
  "capitals" text[] NOT NULL,
  "domains" text[] NOT NULL,
  "spellings" text[] NOT NULL,
  "latitude" double precision NOT NULL,
  "longitude" double precision NOT NULL,
  "area" double precision NOT NULL,
  "landlocked" boolean NOT NULL,
  "independent" boolean,
  "flag" text NOT NULL
);

CREATE TABLE "country_borders" (
  "country_id" integer,
  "border_id" integer,
  CONSTRAINT "country_borders_pkey" PRIMARY KEY("country_id","border_id")
);

CREATE TABLE "country_currencies" (
  "country_id" integer,
  "currency_id" integer,
  CONSTRAINT "country_currencies_pkey" PRIMARY KEY("country_id","currency_id")
);

CREATE TABLE "country_languages" (
  "country_id" integer,
  "language_id" integer,
  CONSTRAINT "country_languages_pkey" PRIMARY KEY("country_id","language_id")
);

CREATE TABLE "currencies" (
  "id" serial PRIMARY KEY,
  "code" char(3) NOT NULL CONSTRAINT "currencies_code_key" UNIQUE,
  "name" text NOT NULL,
  "symbol" text
);

CREATE TABLE "languages" (
  "id" serial PRIMARY KEY,
  "code" char(3) NOT NULL CONSTRAINT "languages_code_key" UNIQUE,
  "name" text NOT NULL
);

CREATE INDEX "cities_population_id_index" ON "cities" ("population" DESC NULLS LAST,"id" DESC NULLS LAST);

CREATE INDEX "cities_country_id_index" ON "cities" ("country_id");

CREATE INDEX "cities_name_index" ON "cities" ("name");

CREATE INDEX "countries_region_index" ON "countries" ("region");

CREATE INDEX "country_borders_border_id_index" ON "country_borders" ("border_id");

CREATE INDEX "country_currencies_currency_id_index" ON "country_currencies" ("currency_id");

CREATE INDEX "country_languages_language_id_index" ON "country_languages" ("language_id");

ALTER TABLE "cities" ADD CONSTRAINT "cities_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id");

ALTER TABLE "country_borders" ADD CONSTRAINT "country_borders_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id") ON DELETE CASCADE;

ALTER TABLE "country_borders" ADD CONSTRAINT "country_borders_border_id_countries_id_fkey" FOREIGN KEY ("border_id") REFERENCES "countries"("id") ON DELETE CASCADE;

ALTER TABLE "country_currencies" ADD CONSTRAINT "country_currencies_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id") ON DELETE CASCADE;

ALTER TABLE "country_currencies" ADD CONSTRAINT "country_currencies_currency_id_currencies_id_fkey" FOREIGN KEY ("currency_id") REFERENCES "currencies"("id") ON DELETE CASCADE;

ALTER TABLE "country_languages" ADD CONSTRAINT "country_languages_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id") ON DELETE CASCADE;

ALTER TABLE "country_languages" ADD CONSTRAINT "country_languages_language_id_languages_id_fkey" FOREIGN KEY ("language_id") REFERENCES "languages"("id") ON DELETE CASCADE;
