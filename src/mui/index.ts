/** Tidings in `<ChatBox>` of MUI X Chat, in its controlled mode. Experimental, as MUI X Chat itself. */
export { type MuiChat, type MuiChatOptions, type MuiChatProps, useMuiChat } from "./use-mui-chat.ts";
export type * from "./types.ts";
