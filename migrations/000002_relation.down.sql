DROP TABLE seen;
DROP TABLE relation;
