import { chat } from "../../../lib/chat";

const handle = (request: Request): Promise<Response> => chat().fetch(request);

export { handle as DELETE, handle as GET, handle as OPTIONS, handle as POST, handle as PUT };
