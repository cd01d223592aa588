type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** The properties that are not undefined. */
export const present = <T extends object>(properties: T): Present<T> =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as Present<T>;
