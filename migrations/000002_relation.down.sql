DROP TABLE tidings_seen;
DROP TABLE tidings_relation;
