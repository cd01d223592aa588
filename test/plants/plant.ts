import type { Alteration } from "../support/alter-source.ts";

/** An alteration; its new text may depend on a value, such as a size in bytes. */
export type Edit = Omit<Alteration, "to"> & { readonly to: string | ((value: never) => string) };

/**
 * A planted fault: one edit of a file of src, or several that are made together, in their order. `rule`: the rules of src/SPEC.md
 * that it breaks, with blanks between them. A plant without a rule is no fault: it gives a server another size or setting.
 */
export type Plant = { readonly rule?: string } & (Edit | { readonly edits: readonly Edit[] });

/** The plants of one area of src, each under its name. */
export type Plants = Readonly<Record<string, Plant>>;

/** The edits of a plant, in their order. */
export const editsOf = (plant: Plant): readonly Edit[] => ("edits" in plant ? plant.edits : [plant]);

/** The value that a plant wants; never: it wants none. */
export type ValueOf<One> = One extends { readonly to: (value: infer Value) => string } ? Value : never;
