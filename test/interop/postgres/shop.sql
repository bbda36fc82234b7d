-- A database with something of everything that pg_dump writes.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'ha"ppy''\');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);

CREATE TABLE every_type (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  a smallint, b integer, c bigint, d numeric(30, 10), e real, f double precision, g money,
  h text, i varchar(20), j char(10), k bytea, l timestamp, m timestamptz, n date, o time, p timetz, q interval,
  r boolean, s mood, t point, u line, v lseg, w box, x path, y polygon, z circle,
  aa cidr, ab inet, ac macaddr, ad macaddr8, ae bit(5), af varbit, ag tsvector, ah tsquery, ai uuid, aj xml,
  ak json, al jsonb, am integer[], an text[][], ao pair, ap int4range, aq tstzrange, ar positive, as_ pg_lsn,
  at oid, au regclass, av hstore, aw citext, ax name, ay "char", az mood[], ba jsonpath, bb pair[]
);
INSERT INTO every_type (a) VALUES (NULL);
INSERT INTO every_type VALUES (
  DEFAULT, -32768, 2147483647, -9223372036854775808, 12345678901234567890.0123456789, 'NaN', '-Infinity', 1234.56,
  E'tab\there\nline\\back\rcr', 'ünïcödé', 'padded', '\x00ff5c0a09', '2026-01-31 23:59:59.123456', 'infinity',
  '0044-03-15 BC', '24:00:00', '12:00:00+02', '-1 year 2 mons -3 days 04:05:06.7', true, 'ha"ppy''\', '(1,2)',
  '{1,2,3}', '((1,2),(3,4))', '((1,2),(3,4))', '[(1,2),(3,4)]', '((1,2),(3,4),(5,6))', '<(1,2),3>',
  '10.0.0.0/8', '::1/128', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'1', 'a fat cat', 'fat & !rat',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '<a b="c">\t</a>', E'{"a": "tab\\\\t", "b":\n [1, null]}',
  '{"x": "\\ \" \u00e4"}', '{1,NULL,3}', E'{{"a,b","c\\"d"},{"\\\\",NULL}}', ROW(1, E'x\ty\\'), '[1,10)',
  '["2026-01-01","2026-02-01")', 5, '16/B374D848', 4294967295, 'every_type', E'k=>"v\\\\", n=>NULL', 'CaSe', 'name',
  'c', '{sad,"so so"}', '$.a[*] ? (@ > 1)', ARRAY[ROW(1, E'\n')::pair]
);

-- Each character up to 767 alone and in company, the marks of COPY as plain text, and long values.
CREATE TABLE texts (id serial PRIMARY KEY, value text, note varchar);
INSERT INTO texts (value, note) SELECT chr(n), 'x' || chr(n) || chr(n) || 'y' FROM generate_series(1, 767) AS n;
INSERT INTO texts (value, note) VALUES
  (NULL, ''), ('', NULL), ('\N', '\\N'), ('\.', E'\\.\n'), (E'\n', E'\t'), (E'a\tb\nc\\d\re', E'\\'), ('NULL', '\'),
  ('eyJpdiI6abc', 'not eyJpdiI6'), (E'eyJpdiI6\\\n', 'eyJpdiI6'), ('😀 𝔘𝔫𝔦', '日本語'), (repeat('long ä ', 100000), 'end'),
  (E'\x01\x02\x7f', E'\b\f\v');

CREATE TABLE empty (a integer, b text);
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 3);
CREATE TABLE generated (a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED, b text);
INSERT INTO generated (a, b) VALUES (1, 'one'), (2, NULL);
CREATE TABLE only_generated (a integer GENERATED ALWAYS AS (1) STORED);
INSERT INTO only_generated DEFAULT VALUES;
CREATE UNLOGGED TABLE unlogged AS SELECT generate_series(1, 10) AS n;
CREATE TABLE dropped_columns (a integer, b integer, c integer);
INSERT INTO dropped_columns VALUES (1, 2, 3);
ALTER TABLE dropped_columns DROP COLUMN b, ADD COLUMN "after" text DEFAULT 'x';

CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd, ""Table"" (x)" ("Q x" text, "q,""(y)" text, "select" text, "größe" text, "tab	" text);
INSERT INTO "Odd Schema"."Odd, ""Table"" (x)" VALUES ('1', '2', '3', '4', NULL);
CREATE SEQUENCE "Odd Schema"."it's ""a"" seq" INCREMENT -1 START -5;
SELECT nextval('"Odd Schema"."it''s ""a"" seq"');
CREATE SEQUENCE fresh START 42;
CREATE SEQUENCE far MAXVALUE 9223372036854775807 START 9223372036854775806;
SELECT nextval('far');

CREATE TABLE measured (at date NOT NULL, value integer) PARTITION BY RANGE (at);
CREATE TABLE measured_2025 PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO measured SELECT '2025-06-01'::date + n, n FROM generate_series(0, 399) AS n;
CREATE TABLE parent (a integer);
CREATE TABLE child (b text) INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 'two');
CREATE TABLE many AS SELECT n AS id, md5(n::text) AS hash, n % 7 = 0 AS seventh FROM generate_series(1, 30000) AS n;

CREATE VIEW seventh AS SELECT * FROM many WHERE seventh;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM many;
CREATE INDEX ON many (hash);
ALTER TABLE child ADD CONSTRAINT big CHECK (a > 0);
CREATE FUNCTION increment(n integer, OUT m integer) LANGUAGE sql AS 'SELECT n + 1; -- it''s "quoted" \';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION touch();
COMMENT ON TABLE texts IS E'A comment\nof two lines';
COMMENT ON COLUMN texts.note IS 'note';
GRANT SELECT ON texts TO PUBLIC;
ALTER TABLE texts ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_them ON texts USING (true);

SELECT lo_from_bytea(0, '\x');
SELECT lo_from_bytea(4000000000, '\x00010203');
SELECT lo_from_bytea(20001, decode(repeat('5c2e0a09', 300000), 'hex'));
COMMENT ON LARGE OBJECT 20001 IS 'large';
GRANT SELECT ON LARGE OBJECT 20001 TO PUBLIC;
