-- A database as version 1 of the schema left it, with a deployment that has begun and one that waits.
-- Never changed: what is released stays as it is.
CREATE TABLE pawl_schema (
  version bigint PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE pawl_deployments (
  number bigserial PRIMARY KEY,
  id text NOT NULL UNIQUE,
  app text NOT NULL,
  environment text NOT NULL,
  finished boolean NOT NULL DEFAULT false
);
CREATE INDEX pawl_deployments_by_place ON pawl_deployments (app, environment, number);
CREATE INDEX pawl_deployments_unfinished ON pawl_deployments (app, environment, number)
  WHERE NOT finished;
CREATE TABLE pawl_events (
  deployment text NOT NULL REFERENCES pawl_deployments (id),
  sequence bigint NOT NULL,
  at_ms bigint NOT NULL,
  token bigint NOT NULL,
  type text NOT NULL,
  step text NOT NULL,
  data bytea NOT NULL,
  checksum text NOT NULL,
  PRIMARY KEY (deployment, sequence)
);
CREATE TABLE pawl_leases (
  app text NOT NULL,
  environment text NOT NULL,
  deployment text NOT NULL,
  owner text NOT NULL,
  token bigint NOT NULL,
  granted_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  PRIMARY KEY (app, environment)
);
CREATE TABLE pawl_logs (
  number bigserial PRIMARY KEY,
  deployment text NOT NULL,
  step text NOT NULL,
  at_ms bigint NOT NULL,
  line bytea NOT NULL
);
CREATE INDEX pawl_logs_by_step ON pawl_logs (deployment, step, number);
INSERT INTO pawl_schema (version) VALUES (1);
INSERT INTO pawl_deployments (id, app, environment) VALUES
  ('d-1', 'meals', 'dev'), ('d-2', 'meals', 'dev');
INSERT INTO pawl_events VALUES
  ('d-1', 1, 1, 0, 'accepted', '', '{"app":"meals","environment":"dev"}', 'b2444342fd11afa2'),
  ('d-1', 2, 1, 1, 'started', '', '{}', '27a0c49c4c882dc3'),
  ('d-2', 1, 1, 0, 'accepted', '', '{"app":"meals","environment":"dev"}', '1f3071b3850ad760');
INSERT INTO pawl_leases VALUES ('meals', 'dev', '', 'gone', 1, 0, 1000);
