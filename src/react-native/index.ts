/** What React Native names differently than browsers: the app's state, its network, and SQLite. It imports no package. */
export { type AppStateLike, type NativeOptions, nativeSurroundings, type NetInfoLike } from "./surroundings.ts";
export { type ExpoDatabase, expoSqlite } from "./expo-sqlite.ts";
