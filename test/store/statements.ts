import * as devicePositionStatements from "../../src/store/device-position-sql.ts";
import * as groupListStatements from "../../src/store/group/group-list-sql.ts";
import * as groupLogStatements from "../../src/store/group/group-log-sql.ts";
import * as groupMarksStatements from "../../src/store/group/group-marks-sql.ts";
import * as groupMemberStatements from "../../src/store/group/group-member-sql.ts";
import * as mentionStatements from "../../src/store/group/mention-sql.ts";
import * as inviteStatements from "../../src/store/group/invite-sql.ts";
import * as logStatements from "../../src/store/read/log-sql.ts";
import * as marksStatements from "../../src/store/write/marks-sql.ts";
import * as sendStatements from "../../src/store/write/send-sql.ts";
import * as deviceStatements from "../../src/store/push/device-sql.ts";
import * as historyStatements from "../../src/store/read/history-sql.ts";
import * as logPlaceStatements from "../../src/store/log-place-sql.ts";
import * as peopleStatements from "../../src/store/read/people-sql.ts";
import * as dueStatements from "../../src/store/push/due-sql.ts";
import * as pushLogStatements from "../../src/store/push/push-log-sql.ts";
import * as pushStatements from "../../src/store/push/push-sql.ts";
import * as revocationStatements from "../../src/store/revocation-sql.ts";
import * as storeStatements from "../../src/store/sql.ts";
import * as unackedStatements from "../../src/store/push/unacked-sql.ts";

/** Every statement of the store that has a name: [name, text]. */
export const namedStatements: readonly (readonly [string, string])[] = Object.entries({
  ...storeStatements,
  ...sendStatements,
  ...marksStatements,
  ...devicePositionStatements,
  ...logStatements,
  ...historyStatements,
  ...peopleStatements,
  ...deviceStatements,
  ...pushStatements,
  ...unackedStatements,
  ...dueStatements,
  ...pushLogStatements,
  ...revocationStatements,
  ...logPlaceStatements,
  ...groupListStatements,
  ...groupLogStatements,
  ...groupMarksStatements,
  ...groupMemberStatements,
  ...mentionStatements,
  ...inviteStatements,
}).filter((entry): entry is [string, string] => typeof entry[1] === "string");

/** Their names by their texts. */
export const statementNames: ReadonlyMap<string, string> = new Map(namedStatements.map(([name, text]) => [text, name]));
