-- Runs that the app took on with a 202: what is followed, as JSON, and how far it is in the app's words.
ALTER TABLE runs ADD COLUMN work TEXT;
ALTER TABLE runs ADD COLUMN progress TEXT;
