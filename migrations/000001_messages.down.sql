DROP TABLE tidings_message;
DROP TABLE tidings_member;
DROP TABLE tidings_conversation;
DROP TABLE tidings_device;
DROP TABLE tidings_user;
DROP TABLE tidings_head;
