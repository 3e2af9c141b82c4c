-- Down: takes up.sql back.

ALTER TABLE "cities" DROP CONSTRAINT "cities_country_id_countries_id_fkey";

ALTER TABLE "country_borders" DROP CONSTRAINT "country_borders_country_id_countries_id_fkey";

ALTER TABLE "country_borders" DROP CONSTRAINT "country_borders_border_id_countries_id_fkey";

ALTER TABLE "country_currencies" DROP CONSTRAINT "country_currencies_country_id_countries_id_fkey";

ALTER TABLE "country_currencies" DROP CONSTRAINT "country_currencies_currency_id_currencies_id_fkey";

ALTER TABLE "country_languages" DROP CONSTRAINT "country_languages_country_id_countries_id_fkey";

ALTER TABLE "country_languages" DROP CONSTRAINT "country_languages_language_id_languages_id_fkey";

-- WARNING: drops the table "cities" with its rows.
DROP TABLE "cities";

-- WARNING: drops the table "countries" with its rows.
DROP TABLE "countries";

-- WARNING: drops the table "country_borders" with its rows.
DROP TABLE "country_borders";

-- WARNING: drops the table "country_currencies" with its rows.
DROP TABLE "country_currencies";

-- WARNING: drops the table "country_languages" with its rows.
DROP TABLE "country_languages";

-- WARNING: drops the table "currencies" with its rows.
DROP TABLE "currencies";

-- WARNING: drops the table "languages" with its rows.
DROP TABLE "languages";
