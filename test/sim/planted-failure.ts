/** What goes wrong between a node and the database. */
export class PlantedFailure extends Error {
  /** No answer came at all. */
  readonly isSilence: boolean;

  constructor(what: string, { isSilence = false }: { readonly isSilence?: boolean } = {}) {
    super(`planted: ${what}`);
    this.isSilence = isSilence;
  }
}
