import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { deadline } from "../support/deadline.ts";
import { describeWith } from "../support/prerequisite.ts";
import { plant, type PlantName } from "../plants/index.ts";
import { stepsOn } from "./skewed.ts";
import { namedStatements, statementNames } from "./statements.ts";

/** The size of all data of one user, in the two fixtures. */
const sizes = [4_000, 20_000] as const;

/**
 * Steps of SQLite's machine that one statement may take, for one call of its operation with the limits of the fixture. A row that is looked
 * at costs 5 to 80 of them.
 */
const stepsMax = 1_000;
const larger: Readonly<Record<string, number>> = {
  // The rows of a page, or the names in a list.
  ...{
    // With the bytes of their texts, summed up.
    selectMessagesInRows: 30_000,
    selectMessagesInConversations: 60_000,
    selectReceiptsInRows: 20_000,
    // The same conversations counted that the statements after it look at.
    selectNews: 60_000,
    selectOwnRelations: 5_000,
    selectMessages: 25_000,
    selectRelations: 5_000,
    selectOwnSettings: 5_000,
    selectSettings: 6_000,
  },
  ...{ selectReceipts: 12_000, selectRelationships: 32_000 },
  // `historyRowsMax` rows, and the way to them.
  ...{
    selectConversationBefore: 70_000,
    selectConversationAfter: 70_000,
    selectBefore: 100_000,
  },
  ...{ selectReceivedAfter: 70_000, selectByIds: 40_000 },
  // `unreadRowsMax` messages, twice.
  selectConversations: 75_000,
  // The same, once.
  selectConversation: 50_000,
  // Four rows of the log for each of `ackMessagesMax`.
  ...{ deliverByAcks: 400_000, ackDevices: 70_000 },
  // `relationsMax` rows of one user.
  ...{ upsertRelations: 20_000, countRelations: 20_000, selectContacts: 32_000, selectBlocked: 22_000 },
  // Devices of one user.
  ...{ deleteForgottenNotices: 7_000, deleteForgottenAddresses: 7_000, deleteForgottenDevices: 15_000 },
  // `deviceSweepRowsMax` rows.
  ...{ selectUnseenDevices: 7_000, deleteUnseenDevices: 35_000 },
  ...{ selectExplainedDevices: 3_000, selectExplainedAddresses: 2_000 },
  // 64 messages of each address, and the number of its user's conversations.
  selectUndecided: 800_000,
  // `explainedLogRowsMax` rows; `pushNoticesGoneMax` rows.
  ...{ selectExplainedLog: 70_000, deleteDeadNotices: 60_000, deleteDeviceNotices: 60_000 },
  // `ticketsPerUserMax` rows.
  deleteTickets: 2_000,
  // A message of before it was stored which one of the other it follows: 32 before it.
  readMarks: 1_600,
  // For each message of a batch.
  insertMessages: 1_500,
  // All groups of one user, which are bounded, or a page of them; the unread messages of each, as above.
  ...{
    selectGroupMessagesInGroups: 250_000,
    ...{ selectOwnGroups: 30_000, selectOwnMemberships: 10_000, selectPresences: 8_000 },
    ...{ selectGroupList: 150_000, selectListedGroup: 100_000 },
  },
  // `groupInvitesMax` rows.
  ...{ selectInvites: 10_000, deleteExpiredInvites: 5_000 },
  ...{ selectGroups: 6_000, selectMemberships: 10_000, selectGroupMembers: 4_000 },
  // 200 members of a page; 50 names.
  ...{ selectGroupReaders: 10_000, insertMentions: 2_500 },
  // `groupAddMax` users, each with the number of their groups.
  ...{
    insertUsers: 4_000,
    insertGroupConversation: 8_000,
    insertEvent: 2_500,
    countMembers: 2_500,
    addMembers: 50_000,
  },
  // A stretch of the log; of each message also whether it is to its own sender.
  ...{ selectRecipients: 21_000, selectReaders: 8_000 },
  // The notifications due at a time, with the unread messages of each of their conversations.
  ...{ selectDue: 130_000, selectBadges: 120_000, settleNotices: 35_000, deleteDoneNotices: 8_000, upsertLog: 25_000 },
  ...{ markCleared: 7_000, insertNotices: 45_000, advanceDecided: 40_000, pruneLog: 60_000 },
};

/** Statements that still take more the more there is. One that no longer does is taken from here. */
const growing: readonly string[] = [];

const nameOf = (text: string): string => statementNames.get(text) ?? text.trim().replace(/\s+/g, " ").slice(0, 90);

describeWith("sqlite3", "rows that statements visit", () => {
  let small: ReadonlyMap<string, number>;
  let large: ReadonlyMap<string, number>;
  beforeAll(async () => {
    small = await stepsOn(sizes[0]);
    large = await stepsOn(sizes[1]);
  });

  const doesGrow = (text: string): boolean => (large.get(text) ?? 0) > 1.05 * (small.get(text) ?? 0) + 50;

  test("R30 every statement of the store is tried, with all that one user can make", () => {
    expect(namedStatements.filter(([, text]) => !large.has(text)).map(([name]) => name)).toEqual([]);
  });

  test("R30 none takes more where one user has made five times as much", () => {
    expect([...large.keys()].filter(doesGrow).map(nameOf).toSorted()).toEqual([...growing].toSorted());
  });

  test("R30 none takes more than its budget", () => {
    const over = [...large].flatMap(([text, steps]) => {
      const name = nameOf(text);
      return growing.includes(name) || steps <= (larger[name] ?? stepsMax) ? [] : [`${name}: ${steps} steps`];
    });
    expect(over).toEqual([]);
  });

  test("R30 each larger budget belongs to a statement that needs it", () => {
    const names = new Map([...large].map(([text, steps]) => [nameOf(text), steps]));
    expect(Object.entries(larger).filter(([name, budget]) => (names.get(name) ?? 0) < budget / 2)).toEqual([]);
  });

  const walking: readonly (readonly [PlantName, string])[] = [
    ["a read mark walks back over one's own messages", "readMarks"],
    ["an ack is carried on to its end at once", "deliverByAcks"],
  ];
  for (const [name, statement] of walking)
    test(`control: R30 it is found that ${name}`, async () => {
      const preload = join(import.meta.dir, "../support/alter-preload.ts");
      const child = Bun.spawn(
        [
          ...[process.execPath, "test", "--timeout", String(deadline.testMs), "--preload", preload],
          ...[import.meta.path, "-t", "R30 none takes"],
        ],
        {
          env: { ...process.env, ALTERATIONS: JSON.stringify(plant(name)) },
          ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
        },
      );
      const [output] = await Promise.all([child.stderr.text(), child.stdout.text(), child.exited]);
      expect(output).toMatch(new RegExp(`^\\+ +"${statement}`, "m"));
    });
});
