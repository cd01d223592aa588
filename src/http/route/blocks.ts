import { answer, type Route } from "../call.ts";
import { listPeople, otherOf } from "../people.ts";

/** `GET /blocks`: whom the asker has blocked, in the order of their names; `next` is the name to go on after. */
export const getBlocks: Route = (call) => listPeople(call, "blocked", "blocks");

/** `PUT /blocks/{user}`: 204; from then on nothing that user sends is accepted, and neither sees how the other is. */
export const putBlock: Route = async (call) => {
  await call.store.relate(call.session, [{ other: otherOf(call), blocked: true }]);
  return answer(204, null);
};

/** `DELETE /blocks/{user}`: 204, also where there was none. */
export const deleteBlock: Route = async (call) => {
  await call.store.relate(call.session, [{ other: otherOf(call), blocked: false }]);
  return answer(204, null);
};
