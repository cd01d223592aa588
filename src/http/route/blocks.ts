import { costs } from "../../protocol/costs.ts";
import { blockPage } from "../answer-schema.ts";
import type { Route } from "../call.ts";
import { changeRelation, listPeople, peopleParameters } from "../people.ts";

/** `GET /blocks`: the users that the asker has blocked, by name; `next` is the name to go on after. */
export const getBlocks: Route = {
  meta: {
    summary: "The users that you have blocked, by name",
    parameters: peopleParameters,
    answers: { 200: blockPage },
    codes: ["bad_request"],
  },
  handle: (call) => listPeople(call, "blocked"),
};

/** `PUT /blocks/{user}`: 204; from then on no message of that user is accepted, and neither sees the presence of the other. */
export const putBlock: Route = {
  meta: { summary: "Block a user", answers: { 204: null }, codes: ["bad_request", "invalid_recipient", "too_large"] },
  units: costs.relate,
  handle: changeRelation({ blocked: true }),
};

/** `DELETE /blocks/{user}`: 204, also where there was none. */
export const deleteBlock: Route = {
  meta: { summary: "Unblock a user", answers: { 204: null }, codes: ["bad_request", "invalid_recipient"] },
  units: costs.relate,
  handle: changeRelation({ blocked: false }),
};
