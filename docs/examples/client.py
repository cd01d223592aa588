"""A client of PROTOCOL.md on Python 3 alone: JSON lines in and out, its data in SQLite. `python3 client.py URL USER TOKEN FOLDER`"""
import base64, http.client, json, os, queue, random, re, socket, sqlite3, struct, sys, threading, time, urllib.parse, urllib.request, uuid

url, user, token, folder = sys.argv[1:5]
base = urllib.parse.urlsplit(url)
database = sqlite3.connect(os.path.join(folder, "client.db"), isolation_level=None)
database.executescript("""
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE IF NOT EXISTS message (conversation TEXT, seq INTEGER, id TEXT, sender TEXT, text TEXT, PRIMARY KEY (conversation, seq));
    CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, recipient TEXT, text TEXT, failed TEXT);
""")
database.execute("INSERT OR IGNORE INTO meta VALUES ('device', ?)", (str(uuid.uuid4()),))
events = queue.Queue()  # Everything happens in one thread, one after the other: lines of the input, frames, ends of connections.


def meta(name):
    row = database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row and row[0]


def show(line):
    print(json.dumps(line), flush=True)


def later(seconds, act):
    """Calls `act` in the thread of everything else."""
    timer = threading.Timer(seconds, lambda: events.put(("call", None, act)))
    timer.daemon = True
    timer.start()


class Refused(OSError):
    pass


class Closed(Exception):
    def __init__(self, code=1006, reason=""):
        self.code, self.reason = code, reason


class WebSocket:
    """RFC 6455, as far as a client needs it."""

    def __init__(self, path):
        self.socket = socket.create_connection((base.hostname, base.port or 80), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {base.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Authorization: Bearer {token}", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline()
        while self.stream.readline() not in (b"\r\n", b""):
            pass
        if b" 101 " not in status:
            self.socket.close()
            raise Refused(status.decode().strip())
        self.socket.settimeout(60)  # More than two heartbeats without any frame: the connection is dead.

    def write(self, op, payload):
        size = len(payload)
        head = bytes([0x80 | op, 0x80 | (size if size < 126 else 126)]) + (struct.pack(">H", size) if size > 125 else b"")
        mask = os.urandom(4)
        self.socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    def send(self, frame):
        self.write(1, json.dumps(frame, ensure_ascii=False).encode())

    def exactly(self, size):
        data = self.stream.read(size)
        if len(data) < size:
            raise Closed()
        return data

    def read(self):
        text = b""
        while True:
            first, second = self.exactly(2)
            size = second & 127
            size = struct.unpack(">H", self.exactly(2))[0] if size == 126 else struct.unpack(">Q", self.exactly(8))[0] if size == 127 else size
            payload = self.exactly(size)
            if first & 15 == 8:
                raise Closed(struct.unpack(">H", payload[:2])[0] if size > 1 else 1005, payload[2:].decode())
            if first & 15 == 9:
                self.write(10, payload)
            if first & 15 > 2:
                continue
            text += payload
            if first & 128:
                return json.loads(text)


def ask(method, path, body=None):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url.rstrip("/") + path, method=method, headers=headers, data=body and json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read() or "null")
    except http.client.HTTPException as fault:  # The answer was cut off.
        raise OSError(str(fault))


class Polling:
    """What goes out where no WebSocket passes: a request for each frame, one after the other."""

    def __init__(self, number):
        self.number, self.frames = number, queue.Queue()
        threading.Thread(target=self.write, daemon=True).start()

    def send(self, frame):
        self.frames.put(frame)  # An ack needs none: the next `GET /changes` confirms its cursor.

    def write(self):
        try:
            while True:
                frame = self.frames.get()
                if frame["type"] == "read":
                    ask("POST", f"/conversations/{frame['conversation']}/read", {"seq": frame["seq"]})
                if frame["type"] == "send":
                    events.put(("frame", self.number, self.post({name: frame[name] for name in ("id", "to", "text")})))
        except OSError:
            events.put(("closed", self.number, Closed()))

    def post(self, message):
        try:
            return {**ask("POST", "/messages", message), "type": "accepted"}
        except urllib.error.HTTPError as refusal:
            code = json.loads(refusal.read()).get("code", "")
            return {"type": "rejected", "id": message["id"], "code": code, "retry": "never" if refusal.code < 429 else "later"}


def poll(number):
    """Follows by HTTP. The next request confirms the cursor of the last answer: it waits until that is stored."""
    cursor, is_greeted = meta_now["cursor"], False
    events.put(("open", number, Polling(number)))
    while True:
        query = {"device": meta_now["device"], "wait": 8 if is_greeted else 0, **({"cursor": cursor} if cursor else {})}
        answer = ask("GET", f"/changes?{urllib.parse.urlencode(query)}")
        for frame in answer["frames"]:
            if frame["type"] != "welcome" or not is_greeted:
                events.put(("frame", number, frame))
        is_stored = threading.Event()
        events.put(("call", number, is_stored.set))
        is_stored.wait()
        cursor, is_greeted = answer["cursor"], True


def follow(number):
    """Reads one connection to its end, in a thread of its own."""
    query = {"device": meta_now["device"], **({"cursor": meta_now["cursor"]} if meta_now["cursor"] else {})}
    try:
        try:
            connection = WebSocket(f"{base.path.rstrip('/')}/ws?{urllib.parse.urlencode(query)}")
        except Refused:
            ask("GET", "/me")  # Answered: something on the way lets no WebSocket pass.
            poll(number)
        events.put(("open", number, connection))
        while True:
            events.put(("frame", number, connection.read()))
    except Closed as end:
        events.put(("closed", number, end))
    except (OSError, ValueError):
        events.put(("closed", number, Closed()))


link = {"number": 0, "socket": None, "window": 0, "sent": set()}
failures, held_until, meta_now = 0, 0.0, {}


def connect():
    link.update(number=link["number"] + 1, socket=None, window=0, sent=set())
    meta_now.update(device=meta("device"), cursor=meta("cursor"))
    threading.Thread(target=follow, args=(link["number"],), daemon=True).start()


def send(frame):
    try:
        link["socket"].send(frame)
    except OSError:
        pass  # The reading thread sees the end as well.


def flush():
    """Sends what waits, in the order of writing, as far as the window allows."""
    if time.monotonic() < held_until:
        return
    for key, recipient, text in database.execute("SELECT id, recipient, text FROM outbox WHERE failed IS NULL ORDER BY number").fetchall():
        if len(link["sent"]) >= link["window"]:
            return
        if key not in link["sent"]:
            link["sent"].add(key)
            send({"type": "send", "id": key, "to": recipient, "text": text})


def keep(conversation, seq, key, sender, text):
    database.execute("INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?)", (conversation, seq, key, sender, text))
    if sender == user:
        database.execute("DELETE FROM outbox WHERE id = ?", (key,))


marks, states = {}, {}


def show_marks(conversation):
    delivered, read = marks.get(conversation, (0, 0))
    rows = database.execute("SELECT id, seq FROM message WHERE conversation = ? AND sender = ? AND seq <= ? ORDER BY seq", (conversation, user, delivered))
    for key, seq in rows.fetchall():
        state = "read" if seq <= read else "delivered"
        if states.get(key) != state:
            states[key] = state
            show({"item": {"id": key, "state": state}})


def changes(frame):
    fresh = []
    database.execute("BEGIN IMMEDIATE")  # The rows and the cursor that covers them are one write.
    for change in frame["changes"]:
        if change.get("kind") != "message" or "deleted" in change:
            continue
        row = [change[name] for name in ("conversation", "seq", "id", "from", "text")]
        if not database.execute("SELECT 1 FROM message WHERE conversation = ? AND seq = ?", row[:2]).fetchone() and row[3] != user:
            fresh.append(change)
        keep(*row)
    database.execute("INSERT OR REPLACE INTO meta VALUES ('cursor', ?)", (frame["cursor"],))
    database.execute("COMMIT")
    send({"type": "ack", "cursor": frame["cursor"]})
    for change in fresh:
        typing_ends(change["from"])
        show({"message": change})
    for change in frame["changes"]:
        if change.get("kind") == "receipt" and change["user"] != user:
            marks[change["conversation"]] = (change["delivered"], change["read"])
            show_marks(change["conversation"])


typists, watched, typed = {}, [], {"at": 0.0, "keys": 0}


def typing_ends(who, number=None):
    """`number`: of the frame after which nothing came."""
    if who in typists and number in (None, typists[who]):
        del typists[who]
        show({"typing": {"user": who, "typing": False}})


def typing(frame):
    who, number = frame["user"], object()
    if not frame["typing"]:
        return typing_ends(who)
    if who not in typists:
        show({"typing": {"user": who, "typing": True}})
    typists[who] = number
    later(5, lambda: typing_ends(who, number))


def keystroke(to):
    typed["keys"] += 1
    key = typed["keys"]
    if time.monotonic() - typed["at"] >= 3:
        typed["at"] = time.monotonic()
        tell({"type": "typing", "to": to, "typing": True})

    def stopped():
        if typed["keys"] == key:
            typed["at"] = 0.0
            tell({"type": "typing", "to": to, "typing": False})

    later(2, stopped)


def tell(frame):
    """Sends what is of no use later."""
    if link["window"]:
        send(frame)


def receive(frame):
    global failures, held_until
    kind = frame.get("type")
    if kind == "welcome":
        if frame["user"] != user:
            show({"status": {"state": "unauthenticated"}})
            os._exit(1)
        failures = 0
        link["window"] = frame["limits"]["sendWindow"]
        show({"status": {"state": "online"}})
        if watched:
            send({"type": "watch", "users": watched})
    elif kind == "typing":
        typing(frame)
    elif kind == "presence":
        show({"presence": {"user": frame["user"], "state": frame["state"]}})
    elif kind == "changes":
        changes(frame)
    elif kind == "accepted":
        link["sent"].discard(frame["id"])
        row = database.execute("SELECT text FROM outbox WHERE id = ?", (frame["id"],)).fetchone()
        if row:
            database.execute("BEGIN IMMEDIATE")
            keep(frame["conversation"], frame["seq"], frame["id"], user, row[0])
            database.execute("COMMIT")
        show({"item": {"id": frame["id"], "state": "accepted"}})
        show_marks(frame["conversation"])
    elif kind == "rejected":
        link["sent"].discard(frame["id"])
        if frame["retry"] == "later":
            held_until = time.monotonic() + frame.get("retryAfterMs", 1000) / 1000
        else:
            database.execute("UPDATE outbox SET failed = ? WHERE id = ?", (frame["code"], frame["id"]))
            show({"item": {"id": frame["id"], "state": "failed", "code": frame["code"]}})
    elif kind == "reset":
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM message")
        database.execute("INSERT OR REPLACE INTO meta VALUES ('cursor', ?)", (frame["cursor"],))
        database.execute("COMMIT")
        link["sent"].clear()


def closed(end):
    """Comes back, unless the server does not want that: after the delay that it names, or after a growing one."""
    global failures
    if 4500 <= end.code < 5000:
        return show({"status": {"state": "ended", "code": end.code}})
    failures += 1
    named = re.search(r"retryAfterMs=(\d+)", end.reason)
    seconds = int(named[1]) / 1000 * random.uniform(1, 1.5) if named else min(30, 0.5 * 2**failures) * random.uniform(0.5, 1)
    number = link["number"]
    later(seconds, lambda: number == link["number"] and connect())


def order(line):
    asked = json.loads(line)
    if asked["do"] == "send":
        key = str(uuid.uuid4())
        database.execute("INSERT INTO outbox (id, recipient, text) VALUES (?, ?, ?)", (key, asked["to"], asked["text"]))
        show({"item": {"id": key, "state": "queued"}})
    if asked["do"] == "typing":
        keystroke(asked["to"])
    if asked["do"] == "watch":
        watched.append(asked["user"])
        tell({"type": "watch", "users": watched})
    if asked["do"] == "read":
        row = database.execute("SELECT conversation FROM message WHERE sender = ?", (asked["to"],)).fetchone()
        if row:
            tell({"type": "read", "conversation": row[0], "seq": asked["seq"]})
    if asked["do"] == "dump":
        rows = database.execute("SELECT conversation, seq, id, sender, text FROM message ORDER BY conversation, seq").fetchall()
        waiting = database.execute("SELECT id, text FROM outbox WHERE failed IS NULL ORDER BY number").fetchall()
        names = ("conversation", "seq", "id", "from", "text")
        show({"dump": {"messages": [dict(zip(names, row)) for row in rows], "outbox": [dict(zip(("id", "text"), row)) for row in waiting]}})


def read_input():
    for line in sys.stdin.buffer:
        events.put(("order", None, line))


threading.Thread(target=read_input, daemon=True).start()
connect()
while True:
    try:
        what, number, value = events.get(timeout=max(0.01, held_until - time.monotonic()) if time.monotonic() < held_until else None)
    except queue.Empty:
        flush()
        continue
    if what == "order":
        order(value)
    elif number not in (None, link["number"]):
        continue
    elif what == "call":
        value()
    elif what == "open":
        link["socket"] = value
    elif what == "frame":
        receive(value)
    else:
        link.update(number=link["number"] + 1, window=0)  # What else comes of it says nothing any more.
        closed(value)
    if link["window"]:
        flush()
