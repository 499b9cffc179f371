-- Up Migration

-- Files. A row comes before its object and outlives it: while `pending_since` is set, nobody sees the file.
CREATE TABLE files (
  id uuid PRIMARY KEY, -- version 7: newest first is the order of the key
  pending_since timestamptz DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  name text,
  type text,
  size bigint CHECK (size >= 0),
  sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  CONSTRAINT files_whole CHECK (pending_since IS NOT NULL OR num_nulls(name, type, size, sha256) = 0)
);

-- The sweeper's view: few rows, usually none.
CREATE INDEX files_pending ON files (pending_since) WHERE pending_since IS NOT NULL;

-- Idempotency keys of uploads, per API key. `answer` is what the first upload was answered; while it is missing, that upload runs.
CREATE TABLE upload_keys (
  api_key_id text NOT NULL,
  key text NOT NULL,
  file_id uuid NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(),
  answer jsonb,
  PRIMARY KEY (api_key_id, key)
);

CREATE INDEX upload_keys_claimed_at ON upload_keys (claimed_at);

-- Down Migration

DROP TABLE upload_keys;
DROP TABLE files;
