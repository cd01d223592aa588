DROP TABLE message;
DROP TABLE member;
DROP TABLE conversation;
DROP TABLE device;
DROP TABLE user;
DROP TABLE head;
