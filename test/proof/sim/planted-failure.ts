/** A failure between a node and the database. */
export class PlantedFailure extends Error {
  /** No answer came at all. */
  readonly isSilence: boolean;
  /** The database has not seen it. */
  readonly isRefusal: boolean;

  constructor(what: string, { isSilence = false, isRefusal = false } = {}) {
    super(`planted: ${what}`);
    this.isSilence = isSilence;
    this.isRefusal = isRefusal;
  }
}
