DROP TABLE tidings_log_place;
