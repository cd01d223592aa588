DROP TABLE tidings_ticket;
