-- Rows of one user are counted from the newest: those of failed log-ins are bounded.
CREATE INDEX audit_by_user ON audit (user, id);
