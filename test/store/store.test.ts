import { embedded, remote } from "./places.ts";
import { describeBounds } from "./bounds.contract.ts";
import { describePeople } from "./people.contract.ts";
import { describePushStore } from "./push.contract.ts";
import { describeSelf } from "./self.contract.ts";
import { describeStore } from "./store.contract.ts";

describeStore("store on an embedded file", embedded, { runs: 25 });
describeStore("store on a libSQL server", remote, { runs: 4 });

describePeople("people on an embedded file", embedded, { runs: 40 });
describePeople("people on a libSQL server", remote, { runs: 5 });

describePushStore("pushes on an embedded file", embedded);
describePushStore("pushes on a libSQL server", remote);

describeSelf("notes to oneself on an embedded file", embedded);
describeSelf("notes to oneself on a libSQL server", remote);

describeBounds("bounds on an embedded file", embedded, { runs: 30 });
describeBounds("bounds on a libSQL server", remote, { runs: 4 });
