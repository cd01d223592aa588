-- The devices that were not seen for longest, of all users: a sweep forgets them, some at a time.
CREATE INDEX tidings_device_seen ON tidings_device (seen) WHERE seen > 0;
