-- Why a user is disabled: 'superseded' is the app's own doing, which it may take back; anything else is an operator's.
ALTER TABLE users ADD COLUMN disabled_because TEXT;
