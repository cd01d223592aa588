DROP TABLE tidings_revocation;
